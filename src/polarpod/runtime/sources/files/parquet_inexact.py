"""Finds the Parquet files of an input whose values do not fit its declared types exactly."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.formats.parquet import Parquet
from polarpod.runtime.failure.inexact_values import MARK
from polarpod.runtime.sources.inexact_values import MOST_FILES, example
from polarpod.runtime.sources.scan import scan
from polarpod.runtime.types.dtype import parse_schema
from polarpod.store.listing import Listing


def inexact_files(name: str, column: str, dataset: Parquet, listing: Listing, storage: Storage) -> Iterator[str]:
    wanted = parse_schema(dataset.schema or {}).get(column)
    for file in listing.files[:MOST_FILES]:
        try:
            scan(name, dataset, listing._replace(files=(file,)), storage).select(column).collect()
        except pl.exceptions.PolarsError as error:
            if MARK in str(error):
                value = example(column, file, wanted, storage) if wanted is not None else ""
                yield f"{file}: {value}" if value else file
