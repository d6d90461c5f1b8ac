"""Encodes and decodes JSON documents. Decoding any bytes returns a document or raises a PolarpodError with a remedy."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.contract.version import PROTOCOL, speaks

T = TypeVar("T")


class _Envelope(msgspec.Struct):
    protocol: str


_decoders: dict[type, msgspec.json.Decoder[Any]] = {}
_one_at_a_time = threading.Lock()


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder of a type, made once.

    msgspec reads a type's annotations at first use, and crashes the process where two threads do so at the same time
    (0.22). Launchers of several runs are threads of one process.
    """
    if (made := _decoders.get(kind)) is None:
        with _one_at_a_time:
            made = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    return made


def convert(value: object, kind: type[T]) -> T:
    """A typed value from the plain values of another parser, such as YAML. Raises msgspec.ValidationError."""
    # reads the type's annotations under the lock
    decoder(kind)
    return msgspec.convert(value, kind)


def encode(document: object) -> bytes:
    """Indented JSON: people read these documents too."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


_WRITE_ANEW = "Do not edit it by hand; let `polarpod run` or the DAG write a new one."


def decode(
    data: bytes,
    kind: type[T],
    *,
    source: str,
    what: str = "",
    maximum_bytes: int = 16 * 2**20,
    remedy: str = _WRITE_ANEW,
) -> T:
    """A typed document from JSON bytes.

    The protocol version is checked first: for a document of another major version the error names the version, not a field.

    Args:
        source: where the bytes are from, for the error.
        what: the document's name in the error; defaults to the type's name.
        maximum_bytes: a longer document is refused before it is parsed.
        remedy: how to replace a damaged document, where no run writes it.

    Raises:
        PolarpodError: `context_invalid`: not JSON, not of this type, too large, or of another major protocol version.
    """
    name = what or kind.__name__.lower()
    if len(data) > maximum_bytes:
        raise PolarpodError(
            Category.CONTEXT_INVALID,
            f"the {name} is too large",
            evidence=[f"{source}: {len(data):,} bytes, at most {maximum_bytes:,}"],
            remedy="Pass data by its URI; a document only says where it is.",
        )
    try:
        version = decoder(_Envelope).decode(data).protocol
        if not speaks(version):
            raise PolarpodError(
                Category.CONTEXT_INVALID,
                f"the {name} speaks protocol {version[:20]!r}, this polarpod speaks {PROTOCOL!r}",
                evidence=[source],
                remedy="Use the same polarpod release on both sides: the release document names it.",
            )
        return decoder(kind).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PolarpodError(
            Category.CONTEXT_INVALID,
            f"the {name} is not valid: {_in_words(error, data, kind)}",
            evidence=[source],
            remedy=remedy,
        ) from None


def _in_words(error: Exception, data: bytes, kind: type) -> str:
    if not isinstance(error, msgspec.ValidationError):
        return str(error)
    from polarpod.contract.validation_errors import UNKNOWN, complaint  # only for messages

    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = UNKNOWN  # the decoder found a wrong type before the syntax error
    return complaint(error, kind, value).text
