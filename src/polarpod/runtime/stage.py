"""Writes a run's rows where no reader looks yet, in one pass.

Polars' own sinks write the Parquet files, into the place where they will stay: a file that no Delta log and no manifest
names is invisible, so staging, audit and publish need no second copy. Good and bad rows leave one query through two
sinks. That is one pass only while Polars' optimiser shares what lies above them, so the plan is asked; where a Python
function in the transform makes the plan unshareable, the rows are spooled to disk once and split from there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.dtype import from_text
from polarpod.store.delta_log import as_text
from polarpod.store.folder import Folder
from polarpod.store.location import join

_CACHE = re.compile(r"CACHE\[id: ([0-9a-f-]+)\]")
# in memory, before compression: files of roughly 100 to 250 MB, which readers like to open in parallel
_FILE_BYTES = 512 * MIB
_NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
# what file systems take as one name
_FOLDER_LENGTH = 255


class StagedFile(NamedTuple):
    """One file that was written: path relative to the base, with the values of its partition columns as text."""

    path: str
    rows: int
    bytes: int
    partition: dict[str, str | None]


class Target(NamedTuple):
    """Where rows are staged.

    Attributes:
        base: absolute URI below which the files go.
        prefix: folder below the base, "" for none.
        uid: part of every file's name, so that two attempts never share one.
        partition_by: partition columns; not stored in the files.
        owned: partition the run owns; a row outside it is an error. All partition columns owned: one folder, no fan-out.
    """

    base: str
    prefix: str
    uid: str
    partition_by: list[str]
    owned: dict[str, str]


class Sinks:
    """The files of one staging pass, noted while Polars asks for their names."""

    def __init__(self, target: Target, options: dict[str, Any]) -> None:
        self._target = target
        self._options = options
        self._partitions: dict[str, dict[str, str | None]] = {}
        self._written: list[Any] = []
        # Polars asks for names from several of its threads
        self._lock = threading.Lock()

    def sink(self, lf: pl.LazyFrame) -> pl.LazyFrame:
        """The frame with its sink attached, to be run by collect_all."""
        by = [column for column in self._target.partition_by if column not in self._target.owned]
        scheme = pl.PartitionBy(
            self._target.base,
            key=by or None,
            include_key=False if by else None,
            file_path_provider=self._name,
            approximate_bytes_per_file="auto" if by else _FILE_BYTES,
        )
        sunk = lf.sink_parquet(
            scheme,
            mkdir=True,
            lazy=True,
            sinked_paths_callback=lambda found: self._written.extend(found.paths),
            **self._options,
        )
        assert sunk is not None, "a lazy sink is a frame"
        return sunk

    def files(self) -> list[StagedFile]:
        base = self._target.base.rstrip("/") + "/"
        found = []
        for written in self._written:
            path = str(written.path).removeprefix("file://").removeprefix(base)
            # an unpartitioned sink writes a file even for no rows
            if written.num_rows:
                found.append(StagedFile(path, written.num_rows, written.num_bytes, self._partitions[path]))
        return sorted(found)

    def sweep_empty(self, storage: Storage) -> None:
        """Removes the file that an unpartitioned sink writes for no rows."""
        base = self._target.base.rstrip("/") + "/"
        empty = [str(written.path).removeprefix("file://") for written in self._written if not written.num_rows]
        Folder(self._target.base, storage).delete([path.removeprefix(base) for path in empty])

    def _name(self, arguments: Any) -> str:
        values: dict[str, str | None] = dict(self._target.owned)
        if arguments.partition_keys is not None and arguments.partition_keys.width:
            row = arguments.partition_keys.row(0, named=True)
            values |= {column: as_text(value) for column, value in row.items()}
        values = {column: values[column] for column in self._target.partition_by}
        folders = [_folder(column, value) for column, value in values.items()]
        with self._lock:
            stem = "/".join(part for part in (self._target.prefix, *folders, self._target.uid) if part)
            path = f"{stem}-{arguments.index_in_partition:05d}.parquet"
            self._partitions[path] = values
        return path


def _folder(column: str, value: str | None) -> str:
    """A partition as a folder name, in the words of Hive: the log and the manifest hold the value itself, yet Polars' own
    readers take it from here, so it must come back unharmed, and two values must never share a folder.

    Raises:
        PolarpodError: `output_mismatch` for a value that no folder's name can hold.
    """
    name = f"{quote(column, safe='')}={_NULL_FOLDER if value is None else quote(value, safe='')}"
    why = "too long" if len(name) > _FOLDER_LENGTH else "what readers take for null" if value == _NULL_FOLDER else None
    if why:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            f"a value of the partition column {column!r} cannot be the name of a folder: it is {why}",
            evidence=[f"{column} = {str(value)[:100]}", f"{len(name)} bytes when escaped, at most {_FOLDER_LENGTH}"],
            remedy="Partition by a shorter code, or mend the value in the transform.",
        )
    return name


def observe(lf: pl.LazyFrame, target: Target, on_rows: Callable[[int], None], failures: list[BaseException]) -> pl.LazyFrame:
    """Counts rows as they pass, holds them to the partition the run owns, and drops its columns, which files do not store.

    An exception raised in here comes out of Polars as a ComputeError with its text; the original is kept in `failures`.
    """
    schema = lf.collect_schema()
    owned = {column: from_text(text, schema[column]) for column, text in target.owned.items()}
    kept = pl.Schema({name: dtype for name, dtype in schema.items() if name not in owned})

    def pass_on(batch: pl.DataFrame) -> pl.DataFrame:
        for column, value in owned.items():
            strays = batch.filter(pl.col(column).ne_missing(pl.lit(value)))
            if not strays.is_empty():
                failures.append(_outside(column, target.owned[column], strays[column].unique().head(5).to_list()))
                raise failures[-1]
        on_rows(batch.height)
        return batch.drop(list(owned)) if owned else batch

    return lf.map_batches(pass_on, schema=kept, validate_output_schema=False, streamable=True)


def run_sinks(good: pl.LazyFrame, bad: pl.LazyFrame | None, failures: list[BaseException]) -> None:
    """Runs one pass over both sinks."""
    try:
        pl.collect_all([good] if bad is None else [good, bad])
    except KeyboardInterrupt:
        raise
    except BaseException:
        if failures:
            raise failures[0] from None
        raise


def shares_one_pass(good: pl.LazyFrame, bad: pl.LazyFrame) -> bool:
    """Whether the optimiser runs what both sinks have in common only once."""
    plan = pl.explain_all([good, bad])
    first, _, second = plan.partition("PLAN 1:")
    return bool(set(_CACHE.findall(first)) & set(_CACHE.findall(second)))


def spool(lf: pl.LazyFrame, folder: Path, uid: str) -> pl.LazyFrame:
    """The frame, written to local disk once and scanned from there."""
    path = folder / f"spool-{uid}.parquet"
    lf.sink_parquet(path, compression="lz4", mkdir=True)
    return pl.scan_parquet(path)


def rule_counts(path: str, rules: list[str], options: dict[str, Any]) -> dict[str, int]:
    """Failing rows per rule from the staged bad rows."""
    counts = pl.scan_parquet(path, **options).select((~pl.col(rules)).sum()).collect().row(0, named=True)
    return {rule: int(count) for rule, count in counts.items() if count}


def check_owned_columns(schema: pl.Schema, target: Target) -> None:
    """Raises PolarpodError where a partition column is not in the output at all."""
    missing = [column for column in target.partition_by if column not in schema]
    if missing:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            f"the output lacks its partition column {', '.join(missing)}",
            evidence=[f"columns: {', '.join(schema)}", f"published to {join(target.base, target.prefix)}"],
            remedy="Add the column in the transform, for instance with_columns(ds=pl.lit(ds)).",
        )


def spell(owned: dict[str, str], schema: pl.Schema) -> dict[str, str]:
    """The partition a run owns, as logs and manifests spell it: of an Int64 column "01" is "1". Two spellings of one
    partition would not replace each other.

    Raises:
        PolarpodError: `output_mismatch` where a text is no value of its column.
    """
    spelled = {}
    for column, text in owned.items():
        try:
            spelled[column] = str(as_text(from_text(text, schema[column])))
        except (ValueError, KeyError):
            raise PolarpodError(
                Category.OUTPUT_MISMATCH,
                f"the partition this run owns ({column} = {text}) is no {schema[column]}, as the output's column is",
                evidence=[f"columns: {', '.join(f'{name}: {dtype}' for name, dtype in schema.items())}"],
                remedy=f"Give {column} the type of the parameter in the transform, or the parameter that of the column.",
            ) from None
    return spelled


def _outside(column: str, expected: str, found: list[object]) -> PolarpodError:
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"the output has rows outside the partition this run owns ({column} = {expected})",
        evidence=[f"{column} = {value}" for value in found],
        remedy=f"Filter the rows in the transform, or set {column} to the parameter.",
    )
