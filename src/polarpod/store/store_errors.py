"""Classifies a store's errors. obstore and deltalake wrap most in one generic type, so the message is parsed.

Status codes are matched only after "status code:": buckets, ports and request ids hold any digits.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from polarpod.contract.verdict import Category, PolarpodError

_LENGTH = 500

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# deltalake prints "a: b: c" as an indented tree
_BRANCH = re.compile(r"\s*\n\s*↳ ")
_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>(\w+)</Code>(?:\s*<Message>([^<]*)</Message>)?")
# the rest is a stack or a dump of types, for the library's developers, or the XML that _CODE parses
_TAIL = re.compile(r"\s*(?:\n\nDebug source:|\n\s+0: |\nstack backtrace:|: ParsedLogPath \{|<\?xml|<Error>).*", re.DOTALL)
_DURATION = re.compile(r" in \d[\d.]*(?:ns|µs|ms|s)\b")
_DENIED = re.compile(r"lacked the necessary privileges|permission denied|\(os error (?:1|13|30)\)", re.IGNORECASE)
_DENIED_CODES = {
    "AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
    "TokenRefreshRequired", "XAdminUserNotFound",
}  # fmt: skip
_UNREACHABLE = re.compile(r"error sending request|operation timed out|dns error|connection|after \d+ retries", re.IGNORECASE)

# A listed log file that is not found on read, or a 404 other than NoSuchBucket for a list or a write: the store is
# overloaded, or a node that lags behind responded.
_CONTRADICTION = re.compile(
    r"Kernel error: File not found: \S*_delta_log/"
    r"|Error performing (?:list request|PUT|POST)\b(?!.*<Code>NoSuchBucket<).*status code: 404\b",
    re.DOTALL,
)


class Answer(NamedTuple):
    """The class of an error, and its message in one line without credentials, XML and dumps."""

    denied: bool
    no_bucket: bool
    unreachable: bool
    words: str


def answer(error: BaseException) -> Answer:
    """Classifies an error of a store's client."""
    from polarpod.contract.redact import redact  # its patterns take milliseconds, and only a failure needs them

    text = _BRANCH.sub(": ", _COLOUR.sub("", str(error))).strip()
    status = found[1] if (found := _STATUS.search(text)) else ""
    code, message = (found[1], found[2]) if (found := _CODE.search(text)) else ("", "")
    words = " ".join(_DURATION.sub("", _TAIL.sub("", text)).split()).rstrip(":")
    if code:
        words += f": {code}: {message or 'without a message'}"
    return Answer(
        denied=status in ("401", "403") or code in _DENIED_CODES or bool(_DENIED.search(text)),
        no_bucket=code == "NoSuchBucket",
        unreachable=status in ("408", "429")
        or status.startswith("5")
        or bool(_UNREACHABLE.search(text))
        or contradicts_itself(error),
        words=redact(f"{type(error).__name__}: {words or 'no text'}")[:_LENGTH],
    )


def contradicts_itself(error: BaseException) -> bool:
    """Whether a store's response contradicts an earlier one. The same request may succeed a moment later."""
    return bool(_CONTRADICTION.search(_BRANCH.sub(": ", _COLOUR.sub("", str(error)))))


def no_access(said: Answer, verb: str, place: str) -> PolarpodError | None:
    """The error for denied access, a missing bucket or an unreachable store; None for an error about the store's content.

    Args:
        verb: the operation that failed, as in "could not read".
    """
    if said.denied:
        return PolarpodError(
            Category.STORAGE_DENIED,
            f"not allowed to {verb} {place}",
            evidence=[said.words],
            remedy="Give the worker's identity access to this place, or correct its credentials.",
        )
    if said.no_bucket:
        return PolarpodError(
            Category.REQUEST_INVALID,
            f"could not {verb} {place}: the bucket does not exist",
            evidence=[said.words],
            remedy="Create the bucket, or correct the URI, or the endpoint if the bucket is in another store.",
        )
    return unavailable(said, verb, place) if said.unreachable else None


def unavailable(said: Answer, verb: str, place: str) -> PolarpodError:
    """The error (`storage_unavailable`) for a store that may be available later."""
    return PolarpodError(
        Category.STORAGE_UNAVAILABLE,
        f"could not {verb} {place}",
        evidence=[said.words],
        remedy="Check that the store is up and its endpoint, region and bucket are right, then run again.",
    )
