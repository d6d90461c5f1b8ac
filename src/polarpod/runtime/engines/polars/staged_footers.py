"""Compares the footers of staged Parquet files with the rows sent to the sink: types, row counts, and nulls by column.

The batches were checked and counted directly before the sink; only the files show what the sink wrote. A footer is a few
kilobytes: of a file in an object store only the end is read.
"""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.polars.batches import Tally
from polarpod.runtime.engines.polars.column_statistics import column_statistics
from polarpod.runtime.publish.staged_file import NO_STATISTICS, ColumnStatistics, StagedFile
from polarpod.runtime.types.dtype import describe
from polarpod.store.folder import Folder
from polarpod.store.location import is_local, join, local_path

# One request per file, several concurrently: a thousand partitions cost seconds, not minutes.
_REQUESTS = 16
# Longer than most footers; a longer footer costs a second request.
_END_BYTES = 64 * 1024
_TRAILER = 8  # four bytes with the footer's length, and "PAR1"


class Footer(NamedTuple):
    """The footer of a file. `statistics` has no nested columns: a footer counts only their leaves."""

    schema: pl.Schema
    rows: int
    statistics: ColumnStatistics


def compare(
    files: list[StagedFile], base: str, storage: Storage, *, planned: pl.Schema, tally: Tally, scratch: Path
) -> list[StagedFile]:
    """Returns the files with their column statistics.

    Args:
        planned: the schema of the rows that went to the sink, including partition columns.

    Raises:
        PolarpodError: the files differ from the planned types or the counted rows and nulls.
    """
    keys = set(files[0].partition) if files else set()
    stored = pl.Schema({column: dtype for column, dtype in planned.items() if column not in keys})
    rows, nulls = 0, Counter[str]()
    footers = _footers(files, base, storage, stored, scratch)
    for file, footer in zip(files, footers, strict=True):
        if footer.schema != stored:
            raise _other_types(join(base, file.path), stored, footer.schema)
        rows += footer.rows
        nulls.update(footer.statistics.nulls)
        nulls.update({column: footer.rows for column, value in file.partition.items() if value is None})
    if rows != tally.rows:
        raise _differs("rows", [f"{tally.rows:,} rows were staged, {rows:,} are in the files"])
    counted = [column for column in planned if column in keys or not planned[column].is_nested()]
    if wrong := [column for column in counted if nulls[column] != tally.nulls[column] and column in tally.nulls]:
        raise _differs(
            "nulls",
            [f"{column}: {tally.nulls[column]:,} nulls were staged, {nulls[column]:,} are in the files" for column in wrong],
        )
    return [file._replace(statistics=footer.statistics) for file, footer in zip(files, footers, strict=True)]


def _footers(files: list[StagedFile], base: str, storage: Storage, stored: pl.Schema, scratch: Path) -> list[Footer]:
    if is_local(base):
        return [_read(local_path(join(base, file.path)), stored) for file in files]
    folder = Folder(base, storage)

    def fetched(numbered: tuple[int, StagedFile]) -> Footer:
        number, file = numbered
        # Polars' function for footer statistics reads only files.
        path = scratch / f"footer-{number}.parquet"
        path.write_bytes(_end(folder, file))
        try:
            return _read(path, stored)
        finally:
            path.unlink()

    with ThreadPoolExecutor(_REQUESTS) as pool:
        return list(pool.map(fetched, enumerate(files)))


def _end(folder: Folder, file: StagedFile) -> bytes:
    end = folder.end(file.path, file.bytes, _END_BYTES)
    length = int.from_bytes(end[-_TRAILER:-4], "little") + _TRAILER
    return end if length <= len(end) else folder.end(file.path, file.bytes, length)


def _read(path: Path, stored: pl.Schema) -> Footer:
    schema = pl.Schema(pl.read_parquet_schema(path))
    if schema != stored:
        return Footer(schema, 0, NO_STATISTICS)
    # The only access to a footer's statistics: a private function for Polars' own tests. Polars is pinned exactly, and a
    # test fails when it is removed.
    from polars._plr import _parquet_metadata_pruned_json

    flat = [column for column, dtype in stored.items() if not dtype.is_nested()]
    groups: list[dict[str, Any]] = json.loads(_parquet_metadata_pruned_json(str(path), flat, flat))["row_groups"]
    chunks = [
        {
            column: chunk["statistics"] | {"only_nulls": chunk["statistics"]["null_count"] == group["num_rows"]}
            for column, chunk in zip(flat, group["columns"], strict=True)
        }
        for group in groups
    ]
    return Footer(schema, sum(group["num_rows"] for group in groups), column_statistics(stored, chunks))


def _other_types(uri: str, planned: pl.Schema, found: pl.Schema) -> PolarpodError:
    wrong = [column for column in planned if found.get(column) != planned[column]]
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"Parquet does not keep the type of {', '.join(wrong) or 'the columns'}",
        evidence=[
            uri,
            *(f"{column}: {_named(planned, column)} staged, {_named(found, column)} in the file" for column in wrong),
        ],
        remedy="Cast the column in the transform to a type that Parquet has. Nothing was published.",
    )


def _named(schema: pl.Schema, column: str) -> str:
    return describe(schema[column]) if column in schema else "nothing"


def _differs(what: str, evidence: list[str]) -> PolarpodError:
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"the staged files do not have the {what} that went into them",
        evidence=evidence,
        remedy="Nothing was published. Run again; if it happens twice, cast the named columns to plainer types, and report "
        "it to https://github.com/pola-rs/polars/issues, whose Parquet writer has made these files.",
    )
