"""Predicates and merges: deltalake reads the staged rows and rewrites the affected files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from polarpod.contract.dataset import Delta, partition_columns
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.failure.text import line
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.delta.base_version import delta_of
from polarpod.runtime.publish.delta.delta_schema import delta_schema
from polarpod.runtime.publish.delta.rewritten_files import unreadable_file
from polarpod.runtime.publish.publisher import Columns
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store.location import join
from polarpod.store.storage_options import polars_options
from polarpod.store.store_errors import answer

if TYPE_CHECKING:
    import deltalake

# The most rows in the evidence.
_MOST_ROWS = 3


def rewrite(commit: Commit, table: deltalake.DeltaTable, frame: pl.DataFrame, properties: Any) -> None:
    """Calls `write_back` on the run's own table.

    Raises:
        PolarpodError: as `write_back`, and `publish_refused` with the table's file that cannot be read.
    """
    from deltalake.exceptions import CommitFailedError

    try:
        write_back(table, delta_of(commit.output), frame, properties)
    except (CommitFailedError, PolarpodError):
        raise
    except Exception as error:  # deltalake raises bare Exceptions too
        if found := unreadable_file(commit, table, error):
            raise found from error
        raise


def write_back(table: deltalake.DeltaTable, output: Delta, frame: pl.DataFrame, properties: Any) -> None:
    """Replaces the rows that the predicate matches, or merges on the keys, in one commit.

    Raises:
        PolarpodError: rows of the output lie outside the predicate, or rows of the table break its rules.
    """
    from deltalake import write_deltalake
    from deltalake.exceptions import DeltaError

    if output.merge is None:
        predicate = str(output.replace)
        try:
            write_deltalake(table, frame, mode="overwrite", predicate=predicate, commit_properties=properties)
        except DeltaError as error:
            if "failed validation check" in str(error) and (outside := _outside(frame, predicate)):
                raise outside from error
            raise
        return
    on = " AND ".join(f"target.`{key}` = source.`{key}`" for key in output.merge)
    merger = table.merge(frame, predicate=on, source_alias="source", target_alias="target", commit_properties=properties)
    try:
        merger.when_matched_update_all().when_not_matched_insert_all().execute()
    except DeltaError as error:
        if "failed validation check" in str(error):
            raise _stale_rows(table, error) from error
        raise


def _outside(frame: pl.DataFrame, predicate: str) -> PolarpodError | None:
    """Returns the error that names the rows outside a predicate, of which deltalake reports only the number. None where
    Polars evaluates the predicate differently or not at all."""
    try:
        holds = pl.sql_expr(predicate)
        named = frame.select(sorted(set(holds.meta.root_names()))).filter(~holds.fill_null(False))
    except pl.exceptions.PolarsError:
        return None
    if named.is_empty():
        return None
    first = [
        ", ".join(f"{column} = {value!r}" for column, value in row.items()) for row in named.head(_MOST_ROWS).to_dicts()
    ]
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        "the output has rows outside the part of the table that this run replaces",
        evidence=[
            f"replace = {predicate!r}",
            f"{named.height:,} of {frame.height:,} rows are outside of it",
            *(line(f"a row outside: {row}") for row in first),
        ],
        remedy="Filter these rows in the transform, or correct `replace` of the output.",
    )


def _stale_rows(table: deltalake.DeltaTable, error: Exception) -> PolarpodError:
    """Returns the error for rows of the table that break its rules. The output's rows are already checked, but a merge also
    rewrites the other rows of their files."""
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        "rows that the Delta table already has break its rules, in files that the merge would have to write anew",
        evidence=[str(table.table_uri), answer(error).words],
        remedy="Mend or delete these rows in the table, or drop the rule that they break.",
    )


def staged_rows(commit: Commit, files: list[StagedFile], columns: Columns) -> pl.LazyFrame:
    options = polars_options(commit.uri, commit.storage)
    paths = [join(commit.uri, file.path) for file in files]
    return pl.scan_parquet(paths, glob=False, hive_partitioning=False, **options) if paths else pl.DataFrame(columns).lazy()


def rehearse(output: Delta, columns: Columns) -> None:
    """Makes the same write on an empty table of the same columns in a local folder, before there are rows.

    A predicate is SQL, and only the engine that evaluates it can validate it. A trial on the real table would leave an empty
    one behind where there is none yet.

    Raises:
        PolarpodError: `request_invalid` with deltalake's message, `output_mismatch` where the output lacks a key.
    """
    import deltalake

    empty = pl.DataFrame(columns)
    if missing := [key for key in output.merge or [] if key not in empty.columns]:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            f"the output lacks its merge key {', '.join(missing)}",
            evidence=[f"columns: {', '.join(empty.columns)}"],
            remedy="Add the column in the transform, or correct `merge` of the output.",
        )
    with tempfile.TemporaryDirectory(prefix="polarpod-rehearsal-") as folder:
        try:
            place = str(Path(folder, "table"))
            table = deltalake.DeltaTable.create(place, delta_schema(columns), partition_by=partition_columns(output))
            write_back(table, output, empty, None)
        except Exception as error:  # deltalake raises bare Exceptions too
            said = f"merge = {output.merge}" if output.merge else f"replace = {str(output.replace)!r}"
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"a Delta table of the output's columns cannot be written so: {said}",
                evidence=[answer(error).words, f"columns: {', '.join(empty.columns)}"],
                remedy="Correct `replace` or `merge` of the output: name columns that it has, and compare them with "
                "values of their types. deltalake takes no backtick in a name.",
            ) from error


def check_keys(frame: pl.LazyFrame, keys: list[str]) -> None:
    """Raises PolarpodError for duplicate keys, which make a merge depend on the order of rows, and for null keys, which
    never match."""
    doubled = frame.group_by(keys).len().filter(pl.col("len") > 1).select(pl.len()).collect().item()
    nulls = frame.filter(pl.any_horizontal(pl.col(keys).is_null())).select(pl.len()).collect().item()
    remedies = []
    evidence = []
    if doubled:
        evidence.append(_counted(doubled, "key occurs", "keys occur") + " more than once")
        remedies.append("Make the key unique in the transform, or merge on more columns.")
    if nulls:
        evidence.append(_counted(nulls, "row has", "rows have") + " a null in the key, which no row of a table equals")
        remedies.append("Fill the nulls or drop those rows in the transform, or merge on columns that are never null.")
    if evidence:
        raise PolarpodError(
            Category.CHECKS_FAILED,
            f"the output cannot be merged on {', '.join(keys)}",
            evidence=evidence,
            remedy=" ".join(remedies),
        )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
