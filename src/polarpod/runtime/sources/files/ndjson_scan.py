"""NDJSON files as one LazyFrame. A strict parser decodes every line once before Polars reads a value of it.

Polars' own parser drops keys that its schema lacks, reads a lone surrogate as a NUL, guesses dates and truncates fractions;
so the values are checked against the types first, and Polars then decodes them with exactly these types.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import polars as pl

from polarpod.contract.dataset import NdJson
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.sources.files import text_values as values
from polarpod.runtime.sources.files.json_shape import Shape, misfit, name_of, readable, show
from polarpod.runtime.sources.files.text_lines import (
    LINE,
    batches,
    encoding_error,
    excerpt,
    is_encoding_error,
    refuse_empty_files,
    unreadable,
)
from polarpod.runtime.types.dtype import describe, parse_schema

_REMEDY = "Deliver the file again with one whole JSON object on each line, as UTF-8."
# The limits of Polars' parser and of Python's stack are about 1,024 levels; usual documents have ten.
_DEEPEST = 100
_MOST_NAMED = 5
# May also match within texts, which only costs a second parse.
_MINUS_ZERO = r"[:\[,]\s*-0\s*[,\]}]"


class _Rows(NamedTuple):
    """Some lines of a file as objects, with their line numbers."""

    file: str
    objects: list[dict[str, Any]]
    lines: list[int]
    # Position -> object that contains a -0, with the -0 as a Decimal.
    with_minus: dict[int, dict[str, Any]]

    def values(self, column: str, *, as_written: bool) -> list[Any]:
        """Returns a column; `as_written` for a type that keeps the text of a number."""
        found = [row.get(column) for row in self.objects]
        for position, row in self.with_minus.items() if as_written else ():
            found[position] = row.get(column)
        return found

    def place(self, position: int) -> str:
        return f"{self.file}, line {self.lines[position]:,}"


def scan_ndjson(name: str, dataset: NdJson, files: list[str], options: dict[str, Any]) -> pl.LazyFrame:
    """Returns the rows of the files, in the order of the files.

    Raises:
        PolarpodError: `input_unreadable` for a line that is not a JSON object, `input_mismatch` for a value that its
            declared type cannot hold, or, without declared types, for values that have no common type.
    """
    if dataset.schema is not None:
        types = parse_schema(dataset.schema)
        _check_declared(name, dataset, types, files, options)
    else:
        types = _infer(name, dataset, files, options)
    decoded = pl.Struct({column: _decoded(dtype) for column, dtype in types.items()})
    lines = pl.scan_lines(files, name=LINE, glob=False, **options).filter(pl.col(LINE).str.strip_chars() != "")
    frame = lines.select(pl.col(LINE).str.json_decode(decoded)).unnest(LINE)
    return frame.with_columns(_converted(pl.col(column), dtype).alias(column) for column, dtype in types.items())


def _check_declared(
    name: str, dataset: NdJson, types: dict[str, pl.DataType], files: list[str], options: dict[str, Any]
) -> None:
    if strange := [f"{column}: {describe(dtype)}" for column, dtype in types.items() if not readable(dtype)]:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"input {name!r} declares a type that NDJSON has no values of",
            evidence=strange,
            remedy="Declare the column as String and convert it in the transform.",
        )
    # The exact digits of numbers are decoded only where a type keeps them.
    exact = any("Decimal" in str(dtype) for dtype in types.values())
    signs = any("String" in str(dtype) for dtype in types.values())
    for rows in _read(name, dataset, files, options, exact=exact, signs=signs):
        for column, dtype in types.items():
            problem = misfit(rows.values(column, as_written="String" in str(dtype)), dtype, column)
            if problem:
                shown = show(problem.value)
                raise PolarpodError(
                    Category.INPUT_MISMATCH,
                    f"field {problem.column!r} of input {name!r} holds {shown}, which {problem.why}",
                    evidence=[f"{rows.place(problem.position)}: {problem.column} = {shown}"],
                    remedy="Mend the data, or declare the type it has in the input's schema.",
                )


def _infer(name: str, dataset: NdJson, files: list[str], options: dict[str, Any]) -> dict[str, pl.DataType]:
    """Returns column -> common type of all rows of all files."""
    whole = Shape("")
    found = False
    for rows in _read(name, dataset, files, options):
        found = found or bool(rows.objects)
        whole.add_objects(rows.objects, rows.place)
    if not found:
        raise PolarpodError(
            Category.INPUT_EMPTY,
            f"input {name!r} has no rows, and no schema",
            evidence=[f"{file}: no line with a JSON object" for file in files[:_MOST_NAMED]],
            remedy="Check the step that delivers it. If no rows are a normal day, declare a schema, and allow_empty=True.",
        )
    if problems := whole.problems():
        raise PolarpodError(
            Category.INPUT_MISMATCH,
            f"input {name!r} has fields whose values are of no one type",
            evidence=problems[: 2 * _MOST_NAMED],
            remedy="Deliver each field in one type, or declare the input's schema: String takes texts, whole numbers and "
            "booleans as they are, Float64 the numbers that it holds exactly.",
        )
    if large := whole.too_large():
        raise PolarpodError(
            Category.INPUT_MISMATCH,
            f"input {name!r} has whole numbers that no type of their field holds exactly",
            evidence=large[: 2 * _MOST_NAMED],
            remedy="Declare the field in the input's schema as String, or as Decimal(38, 2) for numbers with fractions. A "
            "whole number of more than 64 bits has to be delivered as a text.",
        )
    return {column: shape.dtype() for column, shape in whole.fields.items()}


def _read(
    name: str, dataset: NdJson, files: list[str], options: dict[str, Any], *, exact: bool = False, signs: bool = False
) -> Iterator[_Rows]:
    empty = []
    decode = msgspec.json.Decoder(float_hook=Decimal).decode if exact else msgspec.json.Decoder().decode
    for file in files:
        first = 1
        source = batches(file, options)
        while True:
            try:
                lines = next(source, None)
            except pl.exceptions.ComputeError as error:
                if is_encoding_error(error):
                    raise encoding_error(name, "NDJSON", file, options) from None
                raise
            if lines is None:
                if first == 1:
                    empty.append(file)
                break
            rows = _decode(name, file, lines, first, decode)
            yield rows._replace(with_minus=_with_minus(lines, first, rows.lines)) if signs else rows
            first += len(lines)
    refuse_empty_files(name, files, empty, allow_empty=dataset.allow_empty)


def _decode(name: str, file: str, lines: pl.Series, first: int, decode: Any) -> _Rows:
    objects, numbers = [], []
    for number, line in enumerate(lines, first):
        try:
            value = decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            if not line.strip():
                continue
            if "Number out of range" in str(error):
                raise _beyond_floats(name, file, number, line) from None
            what = f"no whole JSON object: {error}"
            raise unreadable(name, "NDJSON", what, file, number, line, _REMEDY) from None
        if type(value) is not dict:
            what = f"no JSON object, but {name_of(value)}"
            raise unreadable(name, "NDJSON", what, file, number, line, _REMEDY)
        objects.append(value)
        numbers.append(number)
    _check_text(name, file, lines, first, objects)
    return _Rows(file, objects, numbers, {})


def _with_minus(lines: pl.Series, first: int, numbers: list[int]) -> dict[int, dict[str, Any]]:
    """Returns position -> object for objects with a -0: parsers decode it as 0, so a String would silently lose the sign."""
    found = lines.str.contains(_MINUS_ZERO).arg_true().to_list()
    if not found:
        return {}
    position = {number: at for at, number in enumerate(numbers)}
    return {position[first + at]: json.loads(lines[at], parse_int=_whole) for at in found if first + at in position}


def _whole(text: str) -> int | Decimal:
    return Decimal(text) if text == "-0" else int(text)


def _beyond_floats(name: str, file: str, number: int, line: str) -> PolarpodError:
    """Returns the error for a number such as 1e400: valid JSON that no type holds; parsers fail or read infinity."""
    return PolarpodError(
        Category.INPUT_MISMATCH,
        f"input {name!r}: a line of NDJSON has a number that is beyond Float64",
        evidence=[f"{file}, line {number:,}: {excerpt(line)}"],
        remedy="Deliver the number as a text, and declare the field as String; or correct it.",
    )


def _check_text(name: str, file: str, lines: pl.Series, first: int, objects: Sequence[dict[str, Any]]) -> None:
    """Raises PolarpodError for duplicate keys and excessive depth, which decoding does not detect."""
    keys = lines.str.count_matches(r'"\s*:')
    # Where the number of colons after quotes equals the number of keys, no key is a duplicate.
    doubtful = range(len(lines)) if keys.sum() != sum(map(len, objects)) else ()
    deep = set((lines.str.count_matches(r"[\[{]") > _DEEPEST).arg_true().to_list())
    for position in doubtful or sorted(deep):
        line = lines[position]
        if not line.strip():
            continue
        if position in deep and _depth(line) > _DEEPEST:
            what = f"an object of more than {_DEEPEST} levels"
            raise unreadable(name, "NDJSON", what, file, first + position, line, _REMEDY)
        if doubtful and (twice := _twice(line)):
            what = f"the key {twice!r} twice in one object"
            raise unreadable(name, "NDJSON", what, file, first + position, line, "Give each value a key of its own.")


def _twice(line: str) -> str | None:
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        names = [key for key, _ in items]
        if len(set(names)) < len(names):
            found.append(next(key for key in names if names.count(key) > 1))

    json.loads(line, object_pairs_hook=pairs)
    return found[0] if found else None


def _depth(line: str) -> int:
    """Returns an upper bound of the levels of a line: brackets in texts count too."""
    depth = deepest = 0
    for character in line:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _decoded(dtype: pl.DataType) -> pl.DataType:
    """Returns the type that Polars decodes JSON to; dates and times are decoded as String and converted afterwards."""
    if isinstance(dtype, pl.List):
        return pl.List(_decoded(dtype.inner))  # type: ignore[arg-type]  # Polars types it as class or instance
    return pl.String() if isinstance(dtype, (pl.Date, pl.Datetime, pl.Time)) else dtype


def _converted(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if _decoded(dtype) == dtype:
        return value
    if isinstance(dtype, pl.List):
        return value.list.eval(_converted(pl.element(), dtype.inner))  # type: ignore[arg-type]  # as above
    return values.convert(value, dtype)
