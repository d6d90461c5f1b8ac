"""Finds a value of a file that would be read as another: for a person, after `exact` has refused it."""

from __future__ import annotations

import polars as pl

from polarpod.contract.context import Storage
from polarpod.runtime.sources import exact
from polarpod.runtime.sources.footers import Footer
from polarpod.store.storage_options import polars_options

# as many as a failed run may open to say which one it was
MOST_FILES = 500


def example(column: str, file: str, wanted: pl.DataType, storage: Storage) -> str:
    """The first value that the wanted type would round, where that is what is wrong."""
    options = polars_options(file, storage)
    for _, stored in exact.narrowings({column: wanted}, Footer(file, options)):
        rows = pl.scan_parquet(file, hive_partitioning=False, glob=False, **options).select(column)
        bad = rows.filter(exact.is_rounded(column, stored, wanted)).head(1).collect()
        return exact.example(column, bad[column], wanted) if bad.height else ""
    return ""
