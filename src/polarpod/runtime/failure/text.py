"""What of an error's text a person needs.

Polars appends the query plan, hints that would hide the problem ("try ignore_errors=True") and, on object stores, the
path the connection was first used for rather than the one that failed. deltalake paints with terminal colours and adds
a stack of unknown frames, obstore a dump of its structs, S3 an XML document. The words in front are what matters.
"""

from __future__ import annotations

import re

from polarpod.contract.redact import redact

# A line longer than this is a dump, not a fact; the receipt and Airflow's pages keep several of them.
LINE = 500
# What is looked at of a text, from its beginning and from its end, where libraries put the cause. A job may raise with a
# whole table for a message, and every pattern below, and each that hides credentials, would read all of it.
_LOOKED_AT = 32 * 1024

# half a surrogate pair (a byte that was no UTF-8), which no document can hold, and control characters but blanks and ESC,
# of which colours are made
_NO_CHARACTER = re.compile(r"[\ud800-\udfff\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_ESCAPE = re.compile(r"\x1b")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# deltalake breaks "a: b: c" into an indented tree; one line reads better, and the rules need to know one form only
_BRANCH = re.compile(r"\s*\n\s*↳ ")
# Polars spells a type in one way where it fails, and takes it in others: here it is as a schema in @job names it
_ZONED = re.compile(r"\b(Datetime|Duration)\('(ms|μs|ns)'(?:, '([^']*)')?\)")
_EXPRESSION = re.compile(r"This error occurred in the following expression:\n\t(.*?)(?:\n|$)")
_STEP = re.compile(r"This error occurred with the following context stack:\n\t\[1\] '([^']*)'")
# all that begins here is for the library's developers
_TAIL = re.compile(
    r"\n\nResolved plan until failure|\n\nThis error occurred (?:in|with) the following|\n\nDebug source:"
    r"|\n\nCaused by:|\n\nYou might want to try:|\n\nTry increasing `infer_schema|\n\nConsider setting '"
    r"|\nPreview of invalid data:|\n\s+0: |\nstack backtrace:| Hint: passing a schema can allow|, hint: "
    r"|, consider passing `|: ParsedLogPath \{|<\?xml|<Error>"
)
# the path of the first use of a cached connection; naming it would send people to the wrong object
_STALE_PATH = re.compile(r" \(path: s3[an]?://[^)]*\)")
# of a path that was cut in front; where it is a file of an input, the whole one is looked for and named
_SEE_MORE = re.compile(r" \(set POLARS_VERBOSE=1 to see full path\)")
_DURATION = re.compile(r" in \d[\d.]*(?:ns|µs|ms|s)\b")
_S3_ERROR = re.compile(r"<Code>(\w+)</Code>(?:\s*<Message>([^<]*)</Message>)?")
# the innermost reason: the last line of Polars' "Caused by", or obstore's dump of the operating system's answer
_CAUSE = re.compile(r"\n\nCaused by:\n.*?([^\n]+?)\s*$", re.DOTALL)
_DUMPED = re.compile(r'(?:message|error): "([^"\n]+)"|source: (TimedOut)')


def full_text(error: BaseException) -> str:
    """All an error says, in the one form that rules look at. Errors of the job's own may fail even at that."""
    return _ZONED.sub(_as_declared, _BRANCH.sub(": ", _COLOUR.sub("", said_by(error)))).strip()


def _as_declared(spelled: re.Match[str]) -> str:
    unit = "us" if spelled[2] == "μs" else spelled[2]
    return f"{spelled[1]}[{unit}{f', {spelled[3]}' if spelled[3] else ''}]"


def said_by(value: object) -> str:
    """A value as text that every document can hold; "" where it has none. Nothing it does gets in the way of a verdict."""
    try:
        # a subclass of str may do anything with its methods; join makes a plain one
        text = "".join([str(value)])
    except BaseException:  # noqa: BLE001  # whatever its __str__ raises, SystemExit included: the error itself is the news
        return ""
    if len(text) > 2 * _LOOKED_AT:
        text = f"{text[:_LOOKED_AT]} … {text[-_LOOKED_AT:]}"
    return plain(text)


def plain(text: str) -> str:
    """The text with what is no character, or moves a terminal's cursor, spelled as an escape."""
    return _NO_CHARACTER.sub(lambda match: ascii(match[0])[1:-1], text)


def line(text: str) -> str:
    """One line of evidence: no line breaks, no credentials, not too long. Cut last: half a secret is still a secret."""
    text = redact(" ".join(_ESCAPE.sub("\\\\x1b", plain(text[: 2 * _LOOKED_AT])).split()))
    return text if len(text) <= LINE else text[: LINE - 1] + "…"


def essence(error: BaseException) -> list[str]:
    """An error as evidence: its own words, then what the store answered, the expression, the step of the query."""
    text = full_text(error)
    words = text[: found.start()] if (found := _TAIL.search(text)) else text
    words = _DURATION.sub("", _SEE_MORE.sub("", _STALE_PATH.sub("", words))).strip().rstrip(":")
    name = plain(type(error).__qualname__)
    lines = [f"{name}: {words}" if words else name]
    if answer := _S3_ERROR.search(text):
        # the code last: "ExpiredToken: The" would read like a token with its value, and be hidden
        lines.append(f"the store answered: {answer[2] or 'nothing more'} ({answer[1]})")
    elif cause := _CAUSE.search(text) or _last(_DUMPED, text):
        lines.append(f"cause: {re.sub(r'^[0-9]+: ', '', next(part for part in cause.groups() if part).strip())}")
    if expression := _EXPRESSION.search(text):
        lines.append(f"in the expression {expression[1]}")
    elif (step := _STEP.search(text)) and step[1] != "sink":
        lines.append(f"in the query's step {step[1]}")
    return [line(each) for each in lines]


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    _, mark, dump = text.partition("\n\nDebug source:")
    return [*pattern.finditer(dump)][-1] if mark and pattern.search(dump) else None
