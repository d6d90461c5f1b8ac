"""The footers of an input's Parquet files, for the cases in which the first file's footer is not enough."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import polars as pl

# Each footer is a request or two to a store; the threads only wait.
_AT_ONCE = 32
# Every version of Spark writes its version, or at least its schema, under a key with this prefix.
_SPARK = "org.apache.spark."


class Footer:
    """The schema of one file, and the library that wrote it."""

    def __init__(self, file: str, options: dict[str, Any]) -> None:
        self._file, self._options = file, options
        self.schema = pl.scan_parquet(file, hive_partitioning=False, glob=False, **options).collect_schema()

    @cached_property
    def is_from_arrow(self) -> bool:
        """Whether an Arrow library wrote the file. Only other writers use INT96 timestamps, whose range exceeds that of the
        nanoseconds in which Polars returns them."""
        return "ARROW:schema" in self._words

    @cached_property
    def may_have_lost_digits(self) -> bool:
        """Whether INT96 timestamps may be finer than microseconds. Spark's timestamps are whole microseconds."""
        return not self.is_from_arrow and not any(key.startswith(_SPARK) for key in self._words)

    @cached_property
    def _words(self) -> dict[str, str]:
        return pl.read_parquet_metadata(self._file, **self._options)


def read_footers(files: list[str], options: dict[str, Any]) -> list[Footer]:
    """Returns one footer per file, in the order of the files."""
    if len(files) == 1:
        return [Footer(files[0], options)]
    with ThreadPoolExecutor(min(_AT_ONCE, len(files))) as threads:
        return list(threads.map(lambda file: Footer(file, options), files))
