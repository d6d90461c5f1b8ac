"""The interface of a source, which reads the inputs of some formats. Code outside its folder uses only this interface.

A format names its source (`contract/formats`), which is imported only for a job with such an input. `store/sources` lists an
input's files, bytes and version, without Polars, in the launcher and in the worker.
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
        by: the log or manifest, for messages.
        sizes: path below the input's folder -> bytes, as recorded by its writer.
        lost: the files that are missing or smaller.
        remedy: the remedy besides restoring them.
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
        """Returns an input's rows, lazily, from exactly the listed files, so that the receipt states what was read.

        Raises:
            PolarpodError: `input_mismatch` or `input_unreadable`, with file and column.
        """
        ...

    def unfit_values(self, name: str, dataset: D_contra, listing: Listing, storage: Storage) -> Verdict | None:
        """Returns the verdict for values that the declared types cannot hold, with file and line, to explain a failed query;
        None where all fit, or where the kind of source has no such failures."""
        ...

    def named_files(self, dataset: D_contra, listing: Listing, storage: Storage) -> NamedFiles | None:
        """Returns the files that the input's log or manifest names, and the lost ones; None where it has neither."""
        ...

    def inexact_files(self, name: str, column: str, dataset: D_contra, listing: Listing, storage: Storage) -> Iterator[str]:
        """Yields a line for each file with a value of the column that a read would change. Called after a failed query."""
        ...


@cache
def _kind(name: str) -> Source[Any]:
    kind: Source[Any] = import_module(_KINDS[name]).KIND
    return kind


def source_of(dataset: InputFormat) -> Source[Any]:
    """Returns the source that reads a dataset."""
    return _kind(dataset.source)
