"""Inputs as LazyFrames. Nothing is read but what the schema needs, and the one row that shows an input is not empty."""

from __future__ import annotations

from typing import Any

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Csv, Dataset, Delta, NdJson, Parquet
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.sources.delta.scan_table import scan_table
from polarpod.runtime.sources.files.csv_scan import scan_csv
from polarpod.runtime.sources.files.ndjson_scan import scan_ndjson
from polarpod.runtime.sources.files.parquet_scan import scan_parquet
from polarpod.runtime.types.dtype import parse_published, parse_schema
from polarpod.store.delta_log import open_table
from polarpod.store.listing import Listing, no_rows
from polarpod.store.location import is_local
from polarpod.store.storage_options import for_polars


def scan(name: str, dataset: Dataset, listing: Listing, storage: Storage) -> pl.LazyFrame:
    """One input, lazily. Exactly the listed files are scanned, so what the receipt says was read is what was read.

    Raises:
        PolarpodError: `input_empty`, unless the dataset allows it.
    """
    options: dict[str, Any] = {} if is_local(listing.uri) else {"storage_options": for_polars(storage)}
    files = list(listing.files)
    if isinstance(dataset, Delta):
        frame = _delta(name, dataset, listing, storage)
    elif not files:
        frame = _nothing(name, dataset, listing)
    elif isinstance(dataset, Parquet):
        frame = scan_parquet(name, dataset, listing, options)
    elif isinstance(dataset, Csv):
        frame = scan_csv(name, dataset, files, options)
    else:
        frame = scan_ndjson(name, dataset, files, options)
    # not a column of it: what is wrong with one is the business of a job that reads it
    if not dataset.allow_empty and not frame.head(1).select(pl.len()).collect().item():
        raise no_rows(name, listing)
    return frame


def _delta(name: str, dataset: Delta, listing: Listing, storage: Storage) -> pl.LazyFrame:
    table = open_table(listing.uri, storage, dataset.version)
    assert table is not None, "the listing has found it"
    return scan_table(name, table, listing.uri, storage, dataset.where or {})


def _nothing(name: str, dataset: Parquet | Csv | NdJson, listing: Listing) -> pl.LazyFrame:
    """An input without files: only a declared schema, or the manifest's, can say what its columns would be."""
    if dataset.schema:
        return pl.LazyFrame(schema=parse_schema(dataset.schema))
    if not listing.manifest:
        raise PolarpodError(
            Category.INPUT_EMPTY,
            f"input {name!r} has no files",
            evidence=[dataset.uri],
            remedy="Check the step that delivers it.",
        )
    return pl.LazyFrame(schema={name: parse_published(text) for name, text in listing.manifest.schema.items()})
