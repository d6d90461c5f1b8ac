"""Checks that a store has what a state store requires: reads return what was written, and conditional writes work."""

from __future__ import annotations

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Folder

_KEY = "trial"


def try_out(uri: str, storage: Storage) -> None:
    """Writes, reads, writes conditionally and deletes below a URI that nothing else uses.

    Raises:
        PolarpodError: an operation failed, or a conditional write was not enforced.
    """
    folder = Folder(uri, storage)
    try:
        created = folder.create(_KEY, b"one")
        found = folder.read(_KEY)
        if not created or found is None or found.data != b"one":
            raise _unsafe(uri, "a document that was written is not read back")
        if folder.create(_KEY, b"two"):
            raise _unsafe(uri, "a create where something is already was taken (If-None-Match is ignored)")
        if not folder.swap(_KEY, b"three", expected=found.tag):
            raise _unsafe(uri, "a swap of what was read was refused (If-Match)")
        if folder.swap(_KEY, b"four", expected=found.tag):
            raise _unsafe(uri, "a swap of what has changed since was taken (If-Match is ignored)")
    finally:
        folder.delete([_KEY])


def _unsafe(uri: str, evidence: str) -> PolarpodError:
    return PolarpodError(
        Category.STORAGE_DENIED,
        "the store cannot keep a state store: it lacks conditional writes",
        evidence=[uri, evidence],
        remedy="Use a store with conditional PUT: AWS S3, versitygw, MinIO, R2, Ceph from Squid on.",
    )
