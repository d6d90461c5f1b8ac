"""Finds the file behind a failure to read: Polars names none, and a glob may stand for a thousand."""

from __future__ import annotations

import msgspec
import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset, Delta
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.classify import classify
from polarpod.runtime.scan import scan
from polarpod.store.listing import Listing

# Opening a file costs a request or two; a failed run may spend about a minute on saying which one it was.
_MOST_FILES = 500
_MOST_NAMED = 5


def unreadable_files(datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage) -> list[str]:
    """A line for each input file that cannot even be opened, or does not fit its neighbours' schema.

    Only beginnings are read: damage in the middle of a file is not found here.
    """
    named: list[str] = []
    for name, dataset in datasets.items():
        listing = listings[name]
        if isinstance(dataset, Delta) or len(listing.files) > _MOST_FILES:
            continue
        first: pl.Schema | None = None
        # a file without rows is no damage
        open_to_none = msgspec.structs.replace(dataset, allow_empty=True)
        for file in listing.files:
            one = listing._replace(files=(file,))
            try:
                schema = scan(name, open_to_none, one, storage).head(1).collect().schema
            except (PolarpodError, pl.exceptions.PolarsError, OSError) as error:
                words = classify(error, phase="scan")
                named.append(f"input {name!r}: {file}: {(words.evidence or [words.summary])[0]}")
                continue
            first = first or schema
            if schema != first:
                named.append(f"input {name!r}: {file} differs from {listing.files[0]}: {_difference(first, schema)}")
    return named[:_MOST_NAMED]


def _difference(first: pl.Schema, other: pl.Schema) -> str:
    return ", ".join(
        f"{column} is {other.get(column, 'missing')} instead of {first.get(column, 'missing')}"
        for column in (*first, *(column for column in other if column not in first))
        if first.get(column) != other.get(column)
    )
