"""Lists an input's current state: its files, their bytes, and a version that changes when any of them does.

The launcher lists inputs to skip a run that would change nothing; the worker lists them again to record what it read.
Neither opens a data file for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset
from polarpod.contract.receipt import LeftOut
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.location import is_local
from polarpod.store.parquet_manifest import Manifest

OTHER_NAME = "other names than the format's files have"


class Listing(NamedTuple):
    """The state of one input: absolute file URIs in order, their total bytes, and a version of the whole.

    Attributes:
        manifest: of a Parquet directory that polarpod publishes: the types of its columns and its partition columns.
        pin: the version to read, where the input's format has versions.
        left_out: files below the input's URI that are not read, by reason.
    """

    uri: str
    files: tuple[str, ...]
    bytes: int
    version: str
    manifest: Manifest | None = None
    left_out: tuple[LeftOut, ...] = ()
    pin: int | None = None


def list_input(name: str, dataset: Dataset, storage: Storage) -> Listing:
    """The files and the version of one resolved input, listed by the `store/sources` module that its format names.

    Raises:
        PolarpodError: `input_missing` where there is no file, with the place and the files that are left out.
    """
    _refuse_empty_parts(name, dataset.uri)
    found: Listing = import_module(f"polarpod.store.sources.{dataset.source}").list_input(name, dataset, storage)
    return found


def _refuse_empty_parts(name: str, uri: str) -> None:
    """Raises PolarpodError for "//" in an S3 key: `in//a.csv` and `in/a.csv` are two objects, clients read the latter."""
    if not is_local(uri) and "//" in uri.partition("://")[2]:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"input {name!r} has an empty part in its place, a key that no object store client reads",
            evidence=[uri],
            remedy="Write one slash between two parts. A variable of the plane that ends with a slash makes two before the "
            "next part.",
        )


def missing_input(name: str, looked_for: str, *, left_out: tuple[LeftOut, ...] = ()) -> PolarpodError:
    remedy = "Check that the step before this one has delivered it, and that the parameters name the right day or part."
    if any(left.reason == OTHER_NAME for left in left_out):
        remedy += " Files with other names are read where a glob asks for them, as in folder/* or folder/**/*.json."
    return PolarpodError(
        Category.INPUT_MISSING,
        f"input {name!r} is not there",
        evidence=[f"looked for {looked_for}", *(left.text() for left in left_out)],
        remedy=remedy,
    )


def refuse_empty(name: str, dataset: Dataset, listing: Listing) -> None:
    """Raises PolarpodError (`input_empty`) where an input has no files, before a worker is started for it."""
    if not listing.files and not dataset.allow_empty:
        raise no_rows(name, listing)


def no_rows(name: str, listing: Listing) -> PolarpodError:
    return PolarpodError(
        Category.INPUT_EMPTY,
        f"input {name!r} has no rows",
        evidence=[f"{listing.uri}: {len(listing.files)} files, {listing.bytes:,} bytes, 0 rows"],
        remedy="Check the step that delivers it. If no rows are a normal day, declare the input with allow_empty=True.",
    )
