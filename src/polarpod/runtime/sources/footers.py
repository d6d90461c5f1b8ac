"""What the footers of an input's Parquet files say, for the cases in which the first file's does not do for all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import polars as pl

# each footer is a request or two to a store, and waiting is all that these threads do
_AT_ONCE = 32
# every version of Spark writes its number, or at least its schema, under such a key
_SPARK = "org.apache.spark."


class Footer:
    """The schema of one file, and whether a library of Arrow's wrote it."""

    def __init__(self, file: str, options: dict[str, Any]) -> None:
        self._file, self._options = file, options
        self.schema = pl.scan_parquet(file, hive_partitioning=False, glob=False, **options).collect_schema()

    @cached_property
    def is_from_arrow(self) -> bool:
        """Whether the types are Arrow's own. Only a file of another writer has timestamps in INT96, which reach further
        than nanoseconds do and come out of Polars as nanoseconds all the same."""
        return "ARROW:schema" in self._words

    @cached_property
    def may_have_lost_digits(self) -> bool:
        """Whether moments in INT96 may be finer than microseconds. Spark's own moments are whole microseconds."""
        return not self.is_from_arrow and not any(key.startswith(_SPARK) for key in self._words)

    @cached_property
    def _words(self) -> dict[str, str]:
        return pl.read_parquet_metadata(self._file, **self._options)


def read_footers(files: list[str], options: dict[str, Any]) -> list[Footer]:
    """One footer a file, in their order."""
    if len(files) == 1:
        return [Footer(files[0], options)]
    with ThreadPoolExecutor(min(_AT_ONCE, len(files))) as threads:
        return list(threads.map(lambda file: Footer(file, options), files))
