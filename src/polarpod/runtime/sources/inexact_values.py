"""Finds a value of a file that a read would change, for the evidence after a refusal by `exact`."""

from __future__ import annotations

import polars as pl

from polarpod.contract.context import Storage
from polarpod.runtime.sources import exact
from polarpod.runtime.sources.footers import Footer
from polarpod.store.storage_options import polars_options

# The most files that a failed run opens to find the cause.
MOST_FILES = 500


def example(column: str, file: str, wanted: pl.DataType, storage: Storage) -> str:
    """Returns text for evidence: the first value that the wanted type would round; "" where there is none."""
    options = polars_options(file, storage)
    for _, stored in exact.narrowings({column: wanted}, Footer(file, options)):
        rows = pl.scan_parquet(file, hive_partitioning=False, glob=False, **options).select(column)
        bad = rows.filter(exact.is_rounded(column, stored, wanted)).head(1).collect()
        return exact.example(column, bad[column], wanted) if bad.height else ""
    return ""
