"""What a store meant by an error. obstore and deltalake wrap most answers in one generic type: the words tell them apart.

Numbers are looked for where a status stands and nowhere else: buckets, ports and request ids hold any digits.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from polarpod.contract.redact import redact
from polarpod.contract.verdict import Category, PolarpodError

_LENGTH = 500

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# deltalake breaks "a: b: c" into an indented tree
_BRANCH = re.compile(r"\s*\n\s*↳ ")
_STATUS = re.compile(r"status code: (\d{3})\b")
_CODE = re.compile(r"<Code>(\w+)</Code>(?:\s*<Message>([^<]*)</Message>)?")
# what follows is for the library's developers, a stack or a dump of its types, or the XML that _CODE has read
_TAIL = re.compile(r"\s*(?:\n\nDebug source:|\n\s+0: |\nstack backtrace:|: ParsedLogPath \{|<\?xml|<Error>).*", re.DOTALL)
_DURATION = re.compile(r" in \d[\d.]*(?:ns|µs|ms|s)\b")
_DENIED = re.compile(r"lacked the necessary privileges|permission denied|\(os error (?:1|13|30)\)", re.IGNORECASE)
_DENIED_CODES = {
    "AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
    "TokenRefreshRequired", "XAdminUserNotFound",
}  # fmt: skip
_UNREACHABLE = re.compile(r"error sending request|operation timed out|dns error|connection|after \d+ retries", re.IGNORECASE)

# What was just listed is not there to be read, what is written cannot be missing, and a bucket lists its objects or is none
# itself (NoSuchBucket): a store that says so is overloaded, or answers from a node that lags behind.
_CONTRADICTION = re.compile(
    r"Kernel error: File not found: \S*_delta_log/"
    r"|Error performing (?:list request|PUT|POST)\b(?!.*<Code>NoSuchBucket<).*status code: 404\b",
    re.DOTALL,
)


class Answer(NamedTuple):
    """What was meant, and its words in one line: free of credentials, XML and dumps."""

    denied: bool
    no_bucket: bool
    unreachable: bool
    words: str


def answer(error: BaseException) -> Answer:
    """What a store's client says with this error."""
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
    """Whether a store denies what it has just said. Asked again a moment later, it may be of one mind."""
    return bool(_CONTRADICTION.search(_BRANCH.sub(": ", _COLOUR.sub("", str(error)))))


def no_access(said: Answer, verb: str, place: str) -> PolarpodError | None:
    """The error of a store that refuses, lacks the bucket or is away; None where its answer is about what it holds.

    Args:
        verb: what was tried, as in "could not read".
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
    """The error of a store that may be there again in a while."""
    return PolarpodError(
        Category.STORAGE_UNAVAILABLE,
        f"could not {verb} {place}",
        evidence=[said.words],
        remedy="Check that the store is up and its endpoint, region and bucket are right, then run again.",
    )
