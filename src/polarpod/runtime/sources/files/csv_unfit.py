"""Finds the values of a CSV input that its declared types cannot hold, to explain a failed query."""

from __future__ import annotations

import itertools

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.formats.csv import Csv
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime.failure.text import line
from polarpod.runtime.sources.files.csv_scan import unfit_values
from polarpod.store.listing import Listing
from polarpod.store.storage_options import polars_options

_MOST_NAMED = 5


def unfit_verdict(name: str, dataset: Csv, listing: Listing, storage: Storage) -> Verdict | None:
    """Returns the verdict for values that a CSV input's declared types cannot hold, or None where all fit."""
    options = polars_options(listing.uri, storage)
    try:
        found = list(itertools.islice(unfit_values(name, dataset, list(listing.files), options), _MOST_NAMED))
    except (PolarpodError, pl.exceptions.PolarsError, OSError):
        return None  # a fault of the file itself is already reported
    if not found:
        return None
    first = found[0]
    return Verdict(
        category=Category.INPUT_MISMATCH,
        summary=line(f"column {first.column!r} of input {name!r} holds {first.text!r}, which is not {first.dtype}"),
        evidence=[line(f"{at.file}, line {at.line:,}: {at.column} = {at.text!r} is not {at.dtype}") for at in found],
        remedy="Mend the data, declare the column as String and convert it in the transform, or list the text in "
        "null_values if it means no value.",
    )
