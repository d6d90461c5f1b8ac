"""Inputs as LazyFrames. Nothing is read but what the schema needs, and the one row that shows an input is not empty."""

from __future__ import annotations

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset
from polarpod.runtime.sources.source import source_of
from polarpod.store.listing import Listing, no_rows


def scan(name: str, dataset: Dataset, listing: Listing, storage: Storage) -> pl.LazyFrame:
    """One input, lazily.

    Raises:
        PolarpodError: `input_empty`, unless the dataset allows it.
    """
    frame = source_of(dataset).scan(name, dataset, listing, storage)
    # not a column of it: what is wrong with one is the business of a job that reads it
    if not dataset.allow_empty and not frame.head(1).select(pl.len()).collect().item():
        raise no_rows(name, listing)
    return frame
