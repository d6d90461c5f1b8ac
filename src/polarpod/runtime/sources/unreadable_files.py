"""Finds the file behind a failed read: Polars does not name it, and a glob may match a thousand."""

from __future__ import annotations

import msgspec
import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime.classify import classify
from polarpod.runtime.sources.lost_files import lost_files
from polarpod.runtime.sources.scan import scan
from polarpod.runtime.sources.source import source_of
from polarpod.runtime.types.dtype import describe
from polarpod.store.listing import Listing
from polarpod.store.storage_options import polars_options

# Opening a file costs a request or two; a failed run may spend about a minute on finding the cause.
_MOST_FILES = 500
_MOST_NAMED = 5
# The most bytes of an input that are read again; a second or two per GiB.
_MOST_BYTES = 2 * 2**30
_OF_INPUTS = (
    Category.INPUT_UNREADABLE,
    Category.INPUT_MISMATCH,
    Category.INPUT_MISSING,
    Category.INPUT_EMPTY,
    Category.STORAGE_DENIED,
    Category.STORAGE_UNAVAILABLE,
)
_OF_FILES = (Category.INPUT_UNREADABLE, Category.INPUT_MISSING)
# Polars' messages for a text that is not a value of the wanted type, of an expression and of its CSV parser.
_CONVERSIONS = ("conversion from `str` to", "could not parse `")


def blame(verdict: Verdict, datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage) -> Verdict:
    """Returns the verdict of a failed run, with the input's file, line and value where an input is the cause.

    A value that does not fit its declared type fails in the query, far from its file and with a message about the transform;
    so the values are checked before the transform is held responsible.
    """
    if verdict.category not in (*_OF_FILES, Category.INPUT_MISMATCH, Category.JOB_FAILED):
        return verdict
    if verdict.category in _OF_FILES and (lost := lost_files(verdict, datasets, listings, storage)):
        return lost
    if verdict.category is Category.JOB_FAILED and not _is_conversion(verdict):
        return verdict
    for name, dataset in datasets.items():
        if found := source_of(dataset).unfit_values(name, dataset, listings[name], storage):
            return found
    if verdict.category is Category.JOB_FAILED or _is_located(verdict, listings):
        return verdict
    found_files = unreadable_files(datasets, listings, storage)
    return msgspec.structs.replace(verdict, evidence=[*found_files, *verdict.evidence])


def collected(
    error: BaseException, datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage, *, phase: str
) -> Verdict | None:
    """Returns the verdict for an error of the job's own code that an input caused; None where no input did.

    A job that collects an input itself fails on a damaged file in its own frame. It may also have read a file that is not an
    input, which is a failure of the job: so the inputs are read once more, and only an error that recurs is an input's.
    """
    found = classify(error, phase=phase, of_the_job=False)
    if found.category not in _OF_INPUTS:
        return None
    again = unreadable_files(datasets, listings, storage) or _unreadable_inputs(datasets, listings, storage)
    return msgspec.structs.replace(found, evidence=[*again, *found.evidence]) if again else None


def _unreadable_inputs(datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage) -> list[str]:
    """Returns a line for each input that cannot be read to its end, with the file where it is known."""
    named: list[str] = []
    for name, dataset in datasets.items():
        listing = listings[name]
        if listing.bytes > _MOST_BYTES:
            continue
        alone = source_of(dataset).files_stand_alone
        for one in [listing._replace(files=(file,)) for file in listing.files] if alone else [listing]:
            try:
                scan(name, dataset, one, storage).sink_batches(lambda batch: None)  # batch by batch, to save memory
            except (PolarpodError, pl.exceptions.PolarsError, OSError) as error:
                words = classify(error, phase="scan")
                place = one.files[0] if alone else listing.uri
                named.append(f"input {name!r}: {place}: {(words.evidence or [words.summary])[0]}")
    return named[:_MOST_NAMED]


def _is_conversion(verdict: Verdict) -> bool:
    return any(words in line for words in _CONVERSIONS for line in verdict.evidence)


def _is_located(verdict: Verdict, listings: dict[str, Listing]) -> bool:
    """Whether the evidence already names a file."""
    return any(file in line for listing in listings.values() for file in listing.files for line in verdict.evidence)


def unreadable_files(datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage) -> list[str]:
    """Returns a line for each input file that cannot be opened, or whose schema differs from the first file's.

    Only the beginning of a file is read: damage in its middle is not found here.
    """
    named: list[str] = []
    for name, dataset in datasets.items():
        listing = listings[name]
        if len(listing.files) > _MOST_FILES:
            continue
        if not source_of(dataset).files_stand_alone:
            # Schemas are not compared: the log states how the files relate.
            named += [f"input {name!r}: {words}" for words in _unopened(listing, storage)]
            continue
        first: pl.Schema | None = None
        # A file without rows is not damaged.
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


def _unopened(listing: Listing, storage: Storage) -> list[str]:
    """Returns a line for each Parquet file that cannot be opened by itself."""
    options = polars_options(listing.uri, storage)
    found = []
    for file in listing.files:
        try:
            pl.scan_parquet(file, glob=False, hive_partitioning=False, **options).head(1).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            found.append(f"{file}: {classify(error, phase='scan').evidence[0]}")
    return found


def _difference(first: pl.Schema, other: pl.Schema) -> str:
    return ", ".join(
        f"{column} is {_type_in(other, column)} instead of {_type_in(first, column)}"
        for column in (*first, *(column for column in other if column not in first))
        if first.get(column) != other.get(column)
    )


def _type_in(schema: pl.Schema, column: str) -> str:
    dtype = schema.get(column)
    return "missing" if dtype is None else describe(dtype)
