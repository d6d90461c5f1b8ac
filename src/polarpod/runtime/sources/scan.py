"""Inputs as LazyFrames. Reads only the schema, and one row to check that an input is not empty."""

from __future__ import annotations

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset
from polarpod.runtime.sources.source import source_of
from polarpod.store.listing import Listing, no_rows


def scan(name: str, dataset: Dataset, listing: Listing, storage: Storage) -> pl.LazyFrame:
    """Returns one input, lazily.

    Raises:
        PolarpodError: `input_empty`, unless the dataset allows it.
    """
    frame = source_of(dataset).scan(name, dataset, listing, storage)
    # No column is read: a bad column concerns only jobs that use it.
    if not dataset.allow_empty and not frame.head(1).select(pl.len()).collect().item():
        raise no_rows(name, listing)
    return frame
