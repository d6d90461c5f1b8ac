"""CSV files as one LazyFrame. The structure of every file is verified before Polars reads a value of it."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from polarpod.contract.dataset import Csv
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.sources.files import text_values as values
from polarpod.runtime.sources.files.csv_structure import BYTE_ORDER_MARK, Format, Header, find_fault, read_header
from polarpod.runtime.sources.files.text_lines import (
    LINE,
    batches,
    encoding_error,
    is_encoding_error,
    refuse_empty_files,
    scan_lines,
    unreadable,
)
from polarpod.runtime.types.dtype import describe, parse_schema

# Files that are verified at the same time; each of them holds some batches of lines in memory.
_AT_ONCE = 8
# The most lines of a header with line breaks in its names.
_HEADER_LINES = 1_000
# The index column of the search for a value's row; no file has this name.
_ROW = "\0 row"
_REMEDY = (
    "Deliver the file again: fields that hold separators, quotes or line breaks stand in quotes, and a quote within is "
    "doubled, as every CSV library writes them."
)


class _File(NamedTuple):
    uri: str
    header: Header

    @property
    def names(self) -> list[str]:
        return self.header.names


def scan_csv(name: str, dataset: Csv, files: list[str], options: dict[str, Any]) -> pl.LazyFrame:
    """Returns the rows of the files, in the order of the files.

    Raises:
        PolarpodError: `input_unreadable` for a file that is not CSV, `input_mismatch` for one with other columns,
            `input_empty` where no file has even a header.
    """
    declared = _declared(name, dataset)
    found = [_File(file, head) for file in files if (head := _header(name, dataset, file, options))]
    if not found:
        if declared is None:
            raise PolarpodError(
                Category.INPUT_EMPTY,
                f"input {name!r} has no rows, and no header",
                evidence=[f"{file}: empty" for file in files[:5]],
                remedy="Check the step that delivers it: a file without rows still has a header, or is not there.",
            )
        return pl.LazyFrame(schema=declared)
    whole = {file.uri for file in found}
    refuse_empty_files(name, files, [file for file in files if file not in whole], allow_empty=dataset.allow_empty)
    for at in range(0, len(found), _AT_ONCE):
        _prove(name, dataset, found[at : at + _AT_ONCE], options)
    wanted = list(declared) if declared is not None else found[0].names
    for file in found:
        _check_names(name, file, wanted, found[0].uri if declared is None else None)
    if declared is not None:
        scans = [_declared_values(dataset, group, declared, options) for group in _alike(found)]
    else:
        types = _infer(dataset, found, options)
        scans = [_scan(dataset, group, types, options).select(wanted) for group in _alike(found)]
    return scans[0] if len(scans) == 1 else pl.concat(scans)


class Unfit(NamedTuple):
    """A value that its column's declared type cannot hold."""

    file: str
    line: int
    column: str
    text: str
    dtype: str


def unfit_values(name: str, dataset: Csv, files: list[str], options: dict[str, Any]) -> Iterator[Unfit]:
    """Yields the first unfit value of each file and column. Reads all files again, so only after a failed run."""
    declared = _declared(name, dataset) or {}
    for uri in files:
        header = _header(name, dataset, uri, options)
        if header is None:
            continue
        texts = _texts(dataset, [_File(uri, header)], options)
        for column, dtype in declared.items():
            rows = texts.select(column).with_row_index(_ROW).filter(values.unfit(pl.col(column), dtype)).head(1).collect()
            if rows.height:
                row, text = rows.row(0)
                within = texts.head(row).select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True)).sum())
                line = header.lines + row + 1 + (within.collect().item() or 0)
                yield Unfit(uri, line, column, text, describe(dtype))


def _declared(name: str, dataset: Csv) -> dict[str, pl.DataType] | None:
    if dataset.schema is None:
        return None
    types = parse_schema(dataset.schema)
    strange = [f"{column}: {describe(dtype)}" for column, dtype in types.items() if not values.readable(dtype)]
    if strange:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"input {name!r} declares a type that CSV has no values of",
            evidence=strange,
            remedy="Declare the column as String and convert it in the transform.",
        )
    return types


def _header(name: str, dataset: Csv, file: str, options: dict[str, Any]) -> Header | None:
    """Returns a file's header, or None for an empty file.

    Raises:
        PolarpodError: the first record is not a valid header.
    """
    try:
        first = scan_lines(file, options, most=2).collect()[LINE].to_list()
        if first and first[0].count('"') % 2:
            first = scan_lines(file, options, most=_HEADER_LINES).collect()[LINE].to_list()
    except pl.exceptions.ComputeError as error:
        if is_encoding_error(error):
            raise encoding_error(name, "CSV", file, options) from None
        raise
    if not first:
        return None
    try:
        header = read_header(first, dataset.separator)
    except csv.Error:
        # csv is lenient with quotes, so it raises only for a carriage return or an end of file within a field.
        open_ended = first[0].count('"') % 2
        what = "a quote that never ends" if open_ended else Format(dataset.separator, 1).why_not(first[0])
        raise unreadable(name, "CSV", what or "an unknown fault", file, 1, first[0], _REMEDY) from None
    if not header.names:
        raise unreadable(name, "CSV", "no fields: it is blank", file, 1, first[0], _REMEDY)
    if len(first) > header.lines and first[header.lines].startswith(BYTE_ORDER_MARK):
        # Polars would strip it from the first value.
        what, text = "a byte order mark below the header", first[header.lines]
        raise unreadable(name, "CSV", what, file, header.lines + 1, text, _REMEDY)
    if twice := sorted({column for column in header.names if header.names.count(column) > 1}):
        raise PolarpodError(
            Category.INPUT_MISMATCH,
            f"input {name!r} has a file with two columns of the same name",
            evidence=[f"{file}: {', '.join(repr(column) for column in twice)}"],
            remedy="Give every column a name of its own where the file is written.",
        )
    return header


def _check_names(name: str, file: _File, wanted: list[str], other: str | None) -> None:
    """Raises PolarpodError where a file's columns are not the wanted ones, in any order."""
    missing = [column for column in wanted if column not in file.names]
    extra = [column for column in file.names if column not in wanted]
    if not missing and not extra:
        return
    differences = [f"{file.uri} lacks column {column!r}" for column in missing]
    differences += [f"{file.uri} has the extra column {column!r}" for column in extra]
    against = f"compared with {other}" if other else f"declared: {', '.join(wanted)}"
    raise PolarpodError(
        Category.INPUT_MISMATCH,
        f"input {name!r}: " + ("files differ in their columns" if other else "a file does not have the declared columns"),
        evidence=[*differences[:10], against],
        remedy="Make the headers agree, or read the files as two inputs; they are compared by name."
        if other
        else "Make the header and the input's schema agree; they are compared by name.",
    )


def _prove(name: str, dataset: Csv, files: list[_File], options: dict[str, Any]) -> None:
    """Raises PolarpodError for the first line that is not CSV."""
    forms = [Format(dataset.separator, len(file.names)) for file in files]
    line = pl.col(LINE)
    counts = [
        scan_lines(file.uri, options).select((~form.is_record(line)).sum()) for file, form in zip(files, forms, strict=True)
    ]
    try:
        doubtful = [frame.item() for frame in pl.collect_all(counts, engine="streaming")]
    except pl.exceptions.ComputeError as error:
        if not is_encoding_error(error):
            raise
        doubtful = [1] * len(files)
    for file, form, count in zip(files, forms, doubtful, strict=True):
        if not count:
            continue
        try:
            fault = find_fault(batches(file.uri, options), form)
        except pl.exceptions.ComputeError as error:
            if is_encoding_error(error):
                raise encoding_error(name, "CSV", file.uri, options) from None
            raise
        if fault:
            raise unreadable(name, "CSV", fault.what, file.uri, fault.line, fault.text, _REMEDY)


def _alike(files: list[_File]) -> list[list[_File]]:
    """Groups consecutive files with the same header."""
    return [list(group) for _, group in itertools.groupby(files, key=lambda file: file.header)]


def _scan(dataset: Csv, files: list[_File], types: dict[str, pl.DataType], options: dict[str, Any]) -> pl.LazyFrame:
    """Scans files with the same header. The header is skipped: Polars does not unescape doubled quotes in names."""
    return pl.scan_csv(
        [file.uri for file in files],
        has_header=False,
        skip_lines=files[0].header.lines,
        schema={column: types[column] for column in files[0].names},
        separator=dataset.separator,
        null_values=dataset.null_values or None,
        raise_if_empty=False,
        glob=False,
        **options,
    )


def _texts(dataset: Csv, files: list[_File], options: dict[str, Any]) -> pl.LazyFrame:
    """Returns all values as text."""
    scans = [_scan(dataset, group, dict.fromkeys(group[0].names, pl.String()), options) for group in _alike(files)]
    return pl.concat([scan.select(files[0].names) for scan in scans])


def _declared_values(
    dataset: Csv, files: list[_File], types: dict[str, pl.DataType], options: dict[str, Any]
) -> pl.LazyFrame:
    native = {column for column, dtype in types.items() if isinstance(dtype, values.NATIVE)}
    schema = {column: types[column] if column in native else pl.String() for column in types}
    return _scan(dataset, files, schema, options).select(
        column if column in native else values.convert(pl.col(column), dtype).alias(column)
        for column, dtype in types.items()
    )


def _infer(dataset: Csv, files: list[_File], options: dict[str, Any]) -> dict[str, pl.DataType]:
    """Returns column -> type inferred from all rows of all files: a number only where no text holds more than the number."""
    names = files[0].names
    kinds: dict[str, pl.DataType] = {
        "Null": pl.String(),
        "Int64": pl.Int64(),
        "Float64": pl.Float64(),
        "Boolean": pl.Boolean(),
    }
    answers = [
        expression.alias(f"{position} {kind}")
        for position, column in enumerate(names)
        for kind, expression in values.inferred(pl.col(column)).items()
    ]
    [said] = _texts(dataset, files, options).select(answers).collect(engine="streaming").to_dicts()
    return {
        column: next((dtype for kind, dtype in kinds.items() if said[f"{position} {kind}"]), pl.String())
        for position, column in enumerate(names)
    }
