"""What the footers of an input's Parquet files say, for the cases in which the first file's does not do for all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import polars as pl

# each footer is a request or two to a store, and waiting is all that these threads do
_AT_ONCE = 32


class Footer:
    """The schema of one file, and whether a library of Arrow's wrote it."""

    def __init__(self, file: str, options: dict[str, Any]) -> None:
        self._file, self._options = file, options
        self.schema = pl.scan_parquet(file, hive_partitioning=False, glob=False, **options).collect_schema()

    @cached_property
    def is_from_arrow(self) -> bool:
        """Whether the types are Arrow's own. Only a file of another writer has timestamps in INT96, which reach further
        than nanoseconds do and come out of Polars as nanoseconds all the same."""
        return "ARROW:schema" in pl.read_parquet_metadata(self._file, **self._options)


def read_footers(files: list[str], options: dict[str, Any]) -> list[Footer]:
    """One footer a file, in their order."""
    if len(files) == 1:
        return [Footer(files[0], options)]
    with ThreadPoolExecutor(min(_AT_ONCE, len(files))) as threads:
        return list(threads.map(lambda file: Footer(file, options), files))
