"""Reads and verifies the context.

It arrives by environment variables, because every plane can set them: the document itself (if small), its path or its URI,
and with a URI its sha256, so that the run is exactly the planned one.
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
    """Whether reading the context requires an object store client (whose threads do not survive a fork)."""
    return INLINE not in environment and not is_local(environment.get(URI, ""))


def load(environment: Mapping[str, str]) -> Context:
    """Returns the verified context.

    Raises:
        PolarpodError: `context_invalid`: there is none, it does not match its sha256, or it is not a valid context.
    """
    data, source = _bytes(environment)
    expected = environment.get(SHA256)
    # Of a document above the limit only the beginning was read: `decode` reports its size, the digest a wrong tampering.
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
        except OSError:  # absent, not a file, or a name too long for a file
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
    """Returns the store's location from the standard variables, the only source before the context is read."""
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
