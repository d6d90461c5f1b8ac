"""Stages a run's rows, invisible to readers, in one pass.

Polars' own sinks write the Parquet files to their final location: a file that no Delta log and no manifest names is
invisible, so staging, audit and publish need no second copy. One query writes good and bad rows through two sinks. It is a
single pass only where Polars' optimiser shares the common part of the plan, which is checked; where a Python function in the
transform prevents that, the rows are spooled to disk once and split from there.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.resources import MIB
from polarpod.runtime.engines.polars import partition
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store.folder import Folder
from polarpod.store.location import join

_CACHE = re.compile(r"CACHE\[id: ([0-9a-f-]+)\]")
# In memory, before compression: results in files of roughly 100 to 250 MB, a good size for parallel readers.
_FILE_BYTES = 512 * MIB


class Target(NamedTuple):
    """The staging location of rows.

    Attributes:
        base: absolute URI below which the files are written.
        prefix: folder below the base, "" for none.
        uid: part of every file's name, so that two attempts never share one.
        partition_by: partition columns; not stored in the files.
        owned: partition the run owns; a row outside it is an error. All partition columns owned: one folder, no fan-out.
        unfit: the format's check of partition values.
        written_back: the partition columns where deltalake reads the rows back and writes them itself; None where not.
    """

    base: str
    prefix: str
    uid: str
    partition_by: list[str]
    owned: dict[str, str]
    unfit: partition.Unfit = partition.takes_all
    written_back: list[str] | None = None


class Sinks:
    """The files of one staging pass, recorded when Polars requests their names."""

    def __init__(self, target: Target, options: dict[str, Any]) -> None:
        self._target = target
        self._options = options
        self._partitions: dict[str, dict[str, str | None]] = {}
        self._numbers: dict[tuple[str | None, ...], int] = {}
        self._written: list[Any] = []
        # Polars requests names from several of its threads.
        self._lock = threading.Lock()

    def sink(self, lf: pl.LazyFrame) -> pl.LazyFrame:
        """Returns the frame with its sink attached, for `run_sinks`."""
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
            # An unpartitioned sink writes a file even for no rows.
            if written.num_rows:
                found.append(StagedFile(path, written.num_rows, written.num_bytes, self._partitions[path]))
        return sorted(found)

    def sweep_empty(self, storage: Storage) -> None:
        """Deletes the file that an unpartitioned sink writes for no rows."""
        base = self._target.base.rstrip("/") + "/"
        empty = [str(written.path).removeprefix("file://") for written in self._written if not written.num_rows]
        Folder(self._target.base, storage).delete([path.removeprefix(base) for path in empty])

    def _name(self, arguments: Any) -> str:
        """Returns the next file's path. Its name has the number of the partition, so that no two partitions share a file,
        even on a file system that treats `k=A` and `k=a` as one folder."""
        values: dict[str, str | None] = dict(self._target.owned)
        if arguments.partition_keys is not None and arguments.partition_keys.width:
            values |= partition.key_values(arguments.partition_keys, self._target.unfit)
        values = {column: values[column] for column in self._target.partition_by}
        folders = partition.folders(values)
        with self._lock:
            number = self._numbers.setdefault(tuple(values.values()), len(self._numbers))
            stem = "/".join(part for part in (self._target.prefix, *folders, self._target.uid) if part)
            path = f"{stem}-{number:05d}{arguments.index_in_partition:05d}.parquet"
            if path in self._partitions:
                raise partition.shared(values)
            self._partitions[path] = values
        partition.check_length(join(self._target.base, path), values)
        return path


def run_sinks(good: pl.LazyFrame, bad: pl.LazyFrame | None, failures: list[BaseException]) -> None:
    """Runs both sinks in one query. Raises the first of `failures` instead of the ComputeError that Polars makes of it."""
    try:
        pl.collect_all([good] if bad is None else [good, bad])
    except KeyboardInterrupt:
        raise
    except BaseException:
        if failures:
            raise failures[0] from None
        raise


def shares_one_pass(good: pl.LazyFrame, bad: pl.LazyFrame) -> bool:
    """Whether the optimised plan runs the common part of both sinks only once."""
    plan = pl.explain_all([good, bad])
    first, _, second = plan.partition("PLAN 1:")
    return bool(set(_CACHE.findall(first)) & set(_CACHE.findall(second)))


def spool(lf: pl.LazyFrame, folder: Path, uid: str) -> pl.LazyFrame:
    """Writes the frame to local disk. Returns a scan of that file."""
    path = folder / f"spool-{uid}.parquet"
    lf.sink_parquet(path, compression="lz4", mkdir=True)
    return pl.scan_parquet(path)


def rule_counts(path: str, rules: list[str], options: dict[str, Any]) -> dict[str, int]:
    """Returns rule -> number of failing rows, from a file of staged bad rows."""
    counts = pl.scan_parquet(path, **options).select((~pl.col(rules)).sum()).collect().row(0, named=True)
    return {rule: int(count) for rule, count in counts.items() if count}
