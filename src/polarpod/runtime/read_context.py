"""Finds and verifies the context.

Three ways in, all by environment variable, because that is what every plane can set: the document itself (small ones),
a path or a URI of it, and with a URI its sha256, so that what runs is exactly what was planned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from polarpod.contract.codec import decode
from polarpod.contract.context import MAXIMUM_BYTES, Context, Storage
from polarpod.contract.job import check_spec
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.location import is_local, local_path

INLINE = "POLARPOD_CONTEXT"
URI = "POLARPOD_CONTEXT_URI"
SHA256 = "POLARPOD_CONTEXT_SHA256"


def is_remote(environment: Mapping[str, str]) -> bool:
    """Whether reading the context needs an object store client (whose threads do not survive a fork)."""
    return INLINE not in environment and not is_local(environment.get(URI, ""))


def load(environment: Mapping[str, str]) -> Context:
    """The verified context.

    Raises:
        PolarpodError: `context_invalid`: none was given, it is not what its sha256 says, or it is not a context.
    """
    data, source = _bytes(environment)
    expected = environment.get(SHA256)
    # of a document that is too large only the beginning was read: decode says so, where its digest would say "tampered"
    if expected is not None and len(data) <= MAXIMUM_BYTES and hashlib.sha256(data).hexdigest() != expected.strip().lower():
        raise PolarpodError(
            Category.CONTEXT_INVALID,
            "the context is not the one the launcher wrote",
            evidence=[
                source,
                f"sha256 expected {expected[:64]}",
                f"sha256 found    {hashlib.sha256(data).hexdigest()}",
            ],
            remedy="Find out who writes to the state store; then launch the run again.",
        )
    context = decode(data, Context, source=source, maximum_bytes=MAXIMUM_BYTES)
    check_spec(context.job)
    return context


def _bytes(environment: Mapping[str, str]) -> tuple[bytes, str]:
    if (inline := environment.get(INLINE)) is not None:
        return inline.encode("utf-8", "surrogateescape"), f"${INLINE}"
    uri = environment.get(URI)
    if not uri:
        raise PolarpodError(
            Category.CONTEXT_INVALID,
            "the worker was given no context",
            evidence=[f"neither ${INLINE} nor ${URI} is set"],
            remedy="Workers are started by `polarpod run` or a DAG, which write the context; do not start one by hand.",
        )
    if is_local(uri):
        path = local_path(uri)
        try:
            return _read_at_most(path), uri
        except OSError:  # not there, not a file, or a name that is too long to be one
            raise _absent(uri) from None
    if not environment.get(SHA256):
        raise PolarpodError(
            Category.CONTEXT_INVALID,
            "a context in an object store must come with its sha256",
            evidence=[f"${URI} = {uri}", f"${SHA256} is not set"],
            remedy=f"Set ${SHA256}; the launcher knows it.",
        )
    from polarpod.store.folder import Folder

    parent, _, name = uri.rpartition("/")
    document = Folder(parent, _storage(environment)).read(name)
    if document is None:
        raise _absent(uri)
    return document.data, uri


def _read_at_most(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.read(MAXIMUM_BYTES + 1)


def _storage(environment: Mapping[str, str]) -> Storage:
    """Before the context is read only the standard variables can say where the store is."""
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    return Storage(
        endpoint_url=endpoint,
        region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"),
        allow_http=bool(endpoint and endpoint.startswith("http://")),
    )


def _absent(uri: str) -> PolarpodError:
    return PolarpodError(
        Category.CONTEXT_INVALID,
        "the context is not where the launcher said",
        evidence=[f"looked for {uri}"],
        remedy="Launch the run again; if it happens twice, check that worker and launcher use the same state store.",
    )
