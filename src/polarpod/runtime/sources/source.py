"""The interface of a source: what reads the inputs of some formats. Outside of its folder it is used through this.

A format names its source (`contract/formats`); one is imported when a job has an input of it. What an input is made of, its
files, bytes and version, is listed without Polars by `store/sources`, on both sides of a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, Protocol, TypeVar

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.formats.format import InputFormat
from polarpod.contract.verdict import Verdict
from polarpod.store.listing import Listing

D_contra = TypeVar("D_contra", bound=InputFormat, contravariant=True)

_KINDS = {
    "files": "polarpod.runtime.sources.files.kind",
    "delta": "polarpod.runtime.sources.delta.kind",
}


class NamedFiles(NamedTuple):
    """The files that an input's log or manifest names.

    Attributes:
        by: what names them, for a person.
        sizes: path below the input's folder -> its bytes, as whoever wrote it knows.
        lost: those that are not there, or not as large.
        remedy: besides bringing them back.
    """

    by: str
    sizes: Mapping[str, int]
    lost: list[str]
    remedy: str


class Source(Protocol[D_contra]):
    """One kind of source.

    Attributes:
        files_stand_alone: whether a listing of one of an input's files can be scanned by itself.
    """

    @property
    def files_stand_alone(self) -> bool: ...

    def scan(self, name: str, dataset: D_contra, listing: Listing, storage: Storage) -> pl.LazyFrame:
        """An input's rows, lazily: of exactly the listed files, so that what the receipt says was read is what was read.

        Raises:
            PolarpodError: `input_mismatch` or `input_unreadable`, with file and column.
        """
        ...

    def unfit_values(self, name: str, dataset: D_contra, listing: Listing, storage: Storage) -> Verdict | None:
        """The verdict for values that the declared types cannot hold, with file and line; None where all fit, or where no
        failed query has to be explained by it."""
        ...

    def named_files(self, dataset: D_contra, listing: Listing, storage: Storage) -> NamedFiles | None:
        """The files that its log or manifest names, and which of them are lost; None where it has neither."""
        ...

    def inexact_files(self, name: str, column: str, dataset: D_contra, listing: Listing, storage: Storage) -> Iterator[str]:
        """A line for each file with a value of a column that would be read as another, while such a query has failed."""
        ...


@cache
def _kind(name: str) -> Source[Any]:
    kind: Source[Any] = import_module(_KINDS[name]).KIND
    return kind


def source_of(dataset: InputFormat) -> Source[Any]:
    """The source that reads a dataset."""
    return _kind(dataset.source)
