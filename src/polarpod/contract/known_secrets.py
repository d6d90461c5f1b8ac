"""Hides secrets that are known: the values of an environment's variables that are named like credentials.

A pattern needs a value to look like a secret, or to stand beside a word for one. These values are hidden wherever they
are, and in each form in which a text may quote them: as it is, in a repr or in JSON, and in a URL. The patterns for all
else are in `redact`; a supervisor needs only this, which costs it next to nothing to import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, quote_plus

import msgspec

from polarpod.contract.verdict import Verdict

HIDDEN = "***"

# Names of variables whose values are secrets, and of those that only say where one is or whose it is. PASS and PW are also
# parts of words (COMPASS, PASSENGERS, PWM): they count where no letter is beside them.
_SECRET_NAME = re.compile(
    r"SECRET|TOKEN|PASS(?:WORD|WD|PHRASE|CODE)|PWD|CREDENTIAL|(?<![A-Z])(?:PASS|PW)(?![A-Z])"
    r"|(?:API|ACCESS|ACCOUNT|PRIVATE|CLIENT|STORAGE|ENCRYPTION|SIGNING|MASTER)_?KEY",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(?:_FILE|_PATH|_DIR|_URI|_URL|_ID|_NAME|_TYPE)$|^(?:OLD)?PWD$|^POLARPOD_", re.IGNORECASE)
# a shorter one is more likely to be part of a word than a secret
_SHORTEST_VALUE = 6
_PERCENT = re.compile(r"%[0-9A-F]{2}")
# what RFC 3986 lets stand in a user or a path as it is, beside letters, digits and "-._~"; many clients escape no more
_SUB_DELIMITERS = "!$&'()*+,;="

# what this process hides in all that it redacts
hidden_here: list[str] = []


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """The values of the variables that hold credentials by their names, in every form they may be quoted in.

    Longest first: one may begin another.
    """
    values = {
        value.strip() for name, value in environment.items() if _SECRET_NAME.search(name) and not _NO_SECRET.search(name)
    }
    found = {form for value in values if len(value) >= _SHORTEST_VALUE for form in _forms(value)}
    return sorted((form for form in found if len(form) >= _SHORTEST_VALUE), key=lambda form: (-len(form), form))


def hide(values: Iterable[str]) -> None:
    """Hides these values in all that this process redacts from now on: for a worker's child, which ends with its job."""
    hidden_here.extend(values)


def without(text: str, values: Iterable[str]) -> str:
    """The text without these values."""
    for value in values:
        text = text.replace(value, HIDDEN)
    return text


def masked(verdict: Verdict, values: Sequence[str]) -> Verdict:
    """The verdict without these values in any of its texts."""
    return msgspec.structs.replace(
        verdict,
        summary=without(verdict.summary, values),
        evidence=[without(line, values) for line in verdict.evidence],
        remedy=without(verdict.remedy, values),
    )


def _forms(value: str) -> Iterator[str]:
    # evidence has no line breaks, and one blank where there were more
    for text in (value, " ".join(value.split())):
        yield from _escaped(text)
    # surrogates stand for bytes that are no UTF-8; they go into a URL as those bytes
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
    # character by character, a repr escapes no quotes; of a whole text it does so by what else is in it
    body = "".join([repr(character)[1:-1] for character in text])
    yield body
    for mark in "'\"":
        yield body.replace(mark, f"\\{mark}")
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        # a document in a document, as loggers of JSON write an error that quotes one
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
