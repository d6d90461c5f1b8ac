"""Masks known secrets: the values of environment variables that are named like credentials.

A pattern needs a value that looks like a secret, or a word for one beside it. These values are masked wherever they appear,
in each form in which a text may quote them: verbatim, in a repr or in JSON, and in a URL. The patterns are in `redact`; a
supervisor needs only this module, which is cheap to import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, quote_plus

import msgspec

from polarpod.contract.verdict import Verdict

HIDDEN = "***"

# Names of variables whose values are secrets, and of those that only locate a secret or name its owner. PASS and PW are also
# parts of words (COMPASS, PASSENGERS, PWM): they match only without a letter beside them.
_SECRET_NAME = re.compile(
    r"SECRET|TOKEN|PASS(?:WORD|WD|PHRASE|CODE)|PWD|CREDENTIAL|(?<![A-Z])(?:PASS|PW)(?![A-Z])"
    r"|(?:API|ACCESS|ACCOUNT|PRIVATE|CLIENT|STORAGE|ENCRYPTION|SIGNING|MASTER)_?KEY",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(?:_FILE|_PATH|_DIR|_URI|_URL|_ID|_NAME|_TYPE)$|^(?:OLD)?PWD$|^POLARPOD_", re.IGNORECASE)
# a shorter value is more likely to be part of a word than a secret
_SHORTEST_VALUE = 6
_PERCENT = re.compile(r"%[0-9A-F]{2}")
# characters that RFC 3986 allows unescaped in a user or a path besides letters, digits and "-._~"; many clients keep them
_SUB_DELIMITERS = "!$&'()*+,;="

# values that `redact` masks in this process
hidden_here: list[str] = []


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """The values of the variables whose names denote credentials, in every form in which a text may quote them.

    Longest first: one may be a prefix of another.
    """
    values = {
        value.strip() for name, value in environment.items() if _SECRET_NAME.search(name) and not _NO_SECRET.search(name)
    }
    found = {form for value in values if len(value) >= _SHORTEST_VALUE for form in _forms(value)}
    return sorted((form for form in found if len(form) >= _SHORTEST_VALUE), key=lambda form: (-len(form), form))


def hide(values: Iterable[str]) -> None:
    """Masks these values in all later `redact` calls of this process: for a worker's child, which ends with its job."""
    hidden_here.extend(values)


def without(text: str, values: Iterable[str]) -> str:
    """The text with these values masked."""
    for value in values:
        text = text.replace(value, HIDDEN)
    return text


def masked(verdict: Verdict, values: Sequence[str]) -> Verdict:
    """The verdict with these values masked in all of its texts."""
    return msgspec.structs.replace(
        verdict,
        summary=without(verdict.summary, values),
        evidence=[without(line, values) for line in verdict.evidence],
        remedy=without(verdict.remedy, values),
    )


def _forms(value: str) -> Iterator[str]:
    # in evidence, any run of blanks and line breaks is one blank
    for text in (value, " ".join(value.split())):
        yield from _escaped(text)
    # surrogates stand for bytes that are not UTF-8; a URL quotes those bytes
    data = value.encode(errors="surrogateescape")
    for spelled in (
        quote(data),
        quote(data, safe=""),
        quote(data, safe=_SUB_DELIMITERS),
        quote(data, safe=f"{_SUB_DELIMITERS}/:@"),
        quote_plus(data),
    ):
        yield spelled
        yield _PERCENT.sub(lambda code: code[0].lower(), spelled)


def _escaped(text: str) -> Iterator[str]:
    yield text
    # the repr of a single character escapes no quotes; that of a whole text does, depending on its other quotes
    body = "".join([repr(character)[1:-1] for character in text])
    yield body
    for mark in "'\"":
        yield body.replace(mark, f"\\{mark}")
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        # a document within a document, as JSON loggers write an error that quotes one
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
