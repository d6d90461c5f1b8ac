"""Writes a run's rows where no reader looks yet, in one pass.

Polars' own sinks write the Parquet files, into the place where they will stay: a file that no Delta log and no manifest
names is invisible, so staging, audit and publish need no second copy. Good and bad rows leave one query through two
sinks. That is one pass only while Polars' optimiser shares what lies above them, so the plan is asked; where a Python
function in the transform makes the plan unshareable, the rows are spooled to disk once and split from there.
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
# in memory, before compression: files of roughly 100 to 250 MB, which readers like to open in parallel
_FILE_BYTES = 512 * MIB


class Target(NamedTuple):
    """Where rows are staged.

    Attributes:
        base: absolute URI below which the files go.
        prefix: folder below the base, "" for none.
        uid: part of every file's name, so that two attempts never share one.
        partition_by: partition columns; not stored in the files.
        owned: partition the run owns; a row outside it is an error. All partition columns owned: one folder, no fan-out.
        unfit: which partition values the format does not give back.
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
    """The files of one staging pass, noted while Polars asks for their names."""

    def __init__(self, target: Target, options: dict[str, Any]) -> None:
        self._target = target
        self._options = options
        self._partitions: dict[str, dict[str, str | None]] = {}
        self._numbers: dict[tuple[str | None, ...], int] = {}
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
        """The next file's path. It begins with the number of its partition, so that no two partitions share a file, not even
        on a file system that takes `k=A` and `k=a` for one folder."""
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
