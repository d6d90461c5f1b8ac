"""Extracts the relevant part of an error's text.

Polars appends the query plan, hints that would hide the problem ("try ignore_errors=True") and, on object stores, the
path the connection was first used for rather than the one that failed. deltalake adds terminal colours and a stack of
unknown frames, obstore a dump of its structs, S3 an XML document. The relevant text is at the beginning.
"""

from __future__ import annotations

import re

# The longest line of evidence, in characters: a longer one is a dump. The receipt and Airflow's pages hold several lines.
LINE = 500
# Characters that are read of a text, from its beginning and from its end, where libraries put the cause. A job may raise
# with a whole table as message, and every pattern below, and each one that hides credentials, would scan all of it.
_LOOKED_AT = 32 * 1024

# Lone surrogates (bytes that are not UTF-8), which no document can hold, and control characters except white space and
# ESC, which begins colour codes.
_NO_CHARACTER = re.compile(r"[\ud800-\udfff\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_ESCAPE = re.compile(r"\x1b")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# deltalake prints "a: b: c" as an indented tree; on one line it is easier to read, and the rules match a single form.
_BRANCH = re.compile(r"\s*\n\s*↳ ")
# Polars' error messages and its API spell types differently: the text uses the spelling of a schema in @job.
_ZONED = re.compile(r"\b(Datetime|Duration)\('(ms|μs|ns)'(?:, '([^']*)')?\)")
_EXPRESSION = re.compile(r"This error occurred in the following expression:\n\t(.*?)(?:\n|$)")
_STEP = re.compile(r"This error occurred with the following context stack:\n\t\[1\] '([^']*)'")
# Everything from here on is for the library's developers.
_TAIL = re.compile(
    r"\n\nResolved plan until failure|\n\nThis error occurred (?:in|with) the following|\n\nDebug source:"
    r"|\n\nCaused by:|\n\nYou might want to try:|\n\nTry increasing `infer_schema|\n\nConsider setting '"
    r"|\nPreview of invalid data:|\n\s+0: |\nstack backtrace:| Hint: passing a schema can allow|, hint: "
    r"|, consider passing `|: ParsedLogPath \{|<\?xml|<Error>"
)
# The path of a cached connection's first use, which may differ from the failing object.
_STALE_PATH = re.compile(r" \(path: s3[an]?://[^)]*\)")
# Follows a path whose beginning was cut; for a file of an input, the full path is looked up and named.
_SEE_MORE = re.compile(r" \(set POLARS_VERBOSE=1 to see full path\)")
_DURATION = re.compile(r" in \d[\d.]*(?:ns|µs|ms|s)\b")
_S3_ERROR = re.compile(r"<Code>(\w+)</Code>(?:\s*<Message>([^<]*)</Message>)?")
# The innermost cause: the last line of Polars' "Caused by", or the operating system's error in obstore's dump.
_CAUSE = re.compile(r"\n\nCaused by:\n.*?([^\n]+?)\s*$", re.DOTALL)
_DUMPED = re.compile(r'(?:message|error): "([^"\n]+)"|source: (TimedOut)')


def full_text(error: BaseException) -> str:
    """Returns an error's message in the form that rules match; "" where its __str__ raises, as a job's error may."""
    return _ZONED.sub(_as_declared, _BRANCH.sub(": ", _COLOUR.sub("", said_by(error)))).strip()


def _as_declared(spelled: re.Match[str]) -> str:
    unit = "us" if spelled[2] == "μs" else spelled[2]
    return f"{spelled[1]}[{unit}{f', {spelled[3]}' if spelled[3] else ''}]"


def said_by(value: object) -> str:
    """Returns a value as text that every document can hold; "" where its __str__ raises. Never raises."""
    try:
        # A subclass of str may override any method; join returns a plain str.
        text = "".join([str(value)])
    except BaseException:  # noqa: BLE001  # __str__ may raise anything, SystemExit included; only the original error counts
        return ""
    if len(text) > 2 * _LOOKED_AT:
        text = f"{text[:_LOOKED_AT]} … {text[-_LOOKED_AT:]}"
    return plain(text)


def plain(text: str) -> str:
    """Returns the text with lone surrogates and control characters that move a terminal's cursor spelled as escapes."""
    return _NO_CHARACTER.sub(lambda match: ascii(match[0])[1:-1], text)


def line(text: str) -> str:
    """Returns one line of evidence: no line breaks, no credentials, at most `LINE` characters. Redacted before the cut,
    since half a secret is still a secret."""
    from polarpod.contract.redact import redact  # its patterns take milliseconds, and only a failure needs them

    text = redact(" ".join(_ESCAPE.sub("\\\\x1b", plain(text[: 2 * _LOOKED_AT])).split()))
    return text if len(text) <= LINE else text[: LINE - 1] + "…"


def essence(error: BaseException) -> list[str]:
    """Returns an error as evidence: its message, then the store's answer or the cause, and the expression or query step."""
    text = full_text(error)
    words = text[: found.start()] if (found := _TAIL.search(text)) else text
    words = _DURATION.sub("", _SEE_MORE.sub("", _STALE_PATH.sub("", words))).strip().rstrip(":")
    name = plain(type(error).__qualname__)
    lines = [f"{name}: {words}" if words else name]
    if answer := _S3_ERROR.search(text):
        # The code last: "ExpiredToken: The" would look like a token with its value and be redacted.
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
