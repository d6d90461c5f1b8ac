"""Masks credentials in text that is stored: receipts, logs, Airflow's pages.

Errors of S3 clients quote the request: S3 responds to a wrong secret with the access key and the string to sign, and
libraries add the URL with its query. Patterns cannot match every secret exactly, so they err towards masking: a column
called `password` may lose its type here, a password must not keep a character.

Every pattern starts at a fixed word and has bounded repetition before it decides, so the time is linear in the text, whose
length is unbounded. Logs are long and hold few secrets: so each pattern is tried only where its first word is, which a
plain text search finds twenty times faster than the pattern would. The result equals `pattern.sub`, pass by pass; a property
test checks this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from polarpod.contract.known_secrets import HIDDEN, hidden_here, without

_WORDS = (
    r"secret|token|passw(?:or)?d|passphrase|pwd|credential|signature|authorization|api[_-]?key|access[_-]?key|"
    r"account[_-]?key|private[_-]?key|client[_-]?key"
)
# the separator before a value: `password=`, `"token": `, `'secret' => `, and the same inside an escaped JSON text;
# excludes exceptions such as TokenError, which have a message after their colon
_SEPARATOR = r"[\w.-]{0,40}(?<!error)(?<!exception)\\{0,4}[\"']?\s{0,3}(?:=>|[=:])\s{0,3}"

# The headers of private keys by OpenSSL, GnuPG and ssh.com, with blanks as in a URL's query too.
_KEY_BEGIN = r"(?:-----|---- )BEGIN[A-Z0-9 +%]{0,40}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?(?:-----| ----)"
_KEY_END = r"(?:-----|---- )END[A-Z0-9 +%]{0,40}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?(?:-----| ----)"
# The body is everything up to the next such line: it has headers (`Proc-Type: 4,ENCRYPTED`), and in a log each of its lines
# may have a prefix with a date. A text that only mentions the first line loses at most the length of the largest key: an RSA
# key of 16,384 bits has 200 lines, with a prefix of 100 characters each.
_KEY_CHARACTERS = 32 * 1024
_KEY_EDGE = re.compile(r"(?:-----|---- )(?:BEGIN|END)[A-Z0-9 +%]")
# a header followed by *** is masked already
_PEM_BEGIN = re.compile(rf"{_KEY_BEGIN}(?!\*\*\*)")
_PEM_END = re.compile(_KEY_END)
_PEM = re.compile(
    rf"({_KEY_BEGIN})(?!\*\*\*)"
    rf"(?:[\s\S]{{0,{_KEY_CHARACTERS}}}?(?={_KEY_EDGE.pattern}|\Z)|[\s\S]{{{_KEY_CHARACTERS}}})(?:{_KEY_END})?"
)
# the rest of a key in a text whose beginning was cut off, such as the end of a log
_PEM_REST = re.compile(rf"\A()[A-Za-z0-9+/=\s\\]{{1,{_KEY_CHARACTERS}}}{_KEY_END}")
# PuTTY's own format
_PPK = re.compile(r"(Private-Lines: \d{1,4})(?:(?:\s|\\[nr])+[A-Za-z0-9+/=]{1,76}(?=[\s\\]|\Z))+", re.IGNORECASE)
# S3's error documents
_XML = re.compile(
    r"<(AWSAccessKeyId|SignatureProvided|StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes"
    r"|SecretAccessKey|SessionToken)>[^<]*",
    re.IGNORECASE,
)
_SIGNED_HEADER = re.compile(r"\b(AWS4-HMAC-SHA256)[ \t][^\r\n]*")
_BEARER = re.compile(r"\b(Bearer|Basic)[ \t]+[\w.~+/=-]{6,}", re.IGNORECASE)
# user:password@host, and a token alone before the @; an unescaped password may hold slashes and at signs
_USER_INFO = re.compile(r"(://)(?:[^\s/@:\"']{0,256}:(?!\d{1,5}(?:/|$))[^\s\"']{0,512}|[^\s/@\"']{1,256})@")
# the signature of an Azure SAS, whose short name is part of other words
_SAS = re.compile(r"([?&]sig=)[^&\s\"'<>]+", re.IGNORECASE)
_QUERY = re.compile(rf"([?&][\w.%-]{{0,60}}(?:{_WORDS})[\w.%-]{{0,40}}=)[^&\s\"'<>]*", re.IGNORECASE)
_QUOTED = re.compile(
    rf"((?:{_WORDS}){_SEPARATOR})(\"\"\"|'''|\\{{0,4}}[\"'])((?:(?!\2)[^\\]|\\.)*)", re.IGNORECASE | re.DOTALL
)
# a YAML block of several lines: all indented lines
_BLOCK = re.compile(
    rf"((?:{_WORDS}){_SEPARATOR})[|>][+-]?\r?\n[ \t]+[^\n]*(?:\r?\n(?:[ \t]+[^\n]*|[ \t]*(?=\r?\n[ \t])))*",
    re.IGNORECASE,
)
# not a value that is masked already, else the rest of a query string after it would be masked too
_BARE = re.compile(rf"((?:{_WORDS}){_SEPARATOR})(?!\*\*\*(?:[\s&\"'<>]|$))[^\s\"'<>][^\s<>]*", re.IGNORECASE)
# AWS key ids; the prefix, which is kept, identifies the kind
_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,124}(?![A-Za-z0-9])")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
_GITHUB = re.compile(r"\b(gh[pousr]_|github_pat_)\w{20,}")
# bot, user, app and refresh tokens of Slack
_SLACK = re.compile(r"\b(xox[a-z]|xapp)-[\w.-]{10,}", re.IGNORECASE)
# `sk-proj-`, `sk-ant-`, and plain `sk-` before a run too long for words with hyphens
_MODEL_KEY = re.compile(r"\b(sk-(?:proj|svcacct|admin|ant)-[\w-]{20,}|sk-[A-Za-z0-9]{20,})")
# an AWS secret without its name: 40 characters of base64, mixed unlike a word, a path or a hash in hex
_SECRET_KEY = re.compile(r"(?<![\w/+=.-])[A-Za-z0-9/+]{40}(?![\w/+=.-])")


# non-ASCII characters that case-insensitive patterns match as an ASCII letter
_FOLDED = {"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"}
# _RUNS maps the characters of an AWS secret, and those that cannot be beside one, to "x", and all others to a blank
_SECRET = "x" * 40
_RUNS = bytes.maketrans(
    bytes(range(256)),
    bytes(ord("x") if chr(code).isalnum() or chr(code) in "_/+=.-" else 32 for code in range(128)) + b" " * 128,
)


class _Pass(NamedTuple):
    """A pattern, and where in a folded text it can match.

    Attributes:
        begins: every match begins with one of these words; empty: with a run of characters as long as an AWS secret.
        holds: every match also contains one of these; a text without any is not searched.
    """

    pattern: re.Pattern[str]
    replacement: Callable[[re.Match[str]], str]
    begins: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    # matches only at the text's beginning
    at_front: bool = False

    def starts(self, folded: str) -> list[int]:
        """Positions where the pattern can match, in order."""
        if self.holds and not any([word in folded for word in self.holds]):  # noqa: C419  # a generator takes twice as long
            return []
        if self.at_front:
            return [0]
        if not self.begins:
            return _long_runs(folded)
        found = [word for word in self.begins if word in folded]
        return sorted([at for word in found for at in _places(folded, word)]) if found else []

    def applied(self, text: str, starts: list[int]) -> str:
        """The result of `pattern.sub` for a text whose matches all begin at one of these positions."""
        pieces: list[str] = []
        end = 0
        for at in starts:
            if at >= end and (match := self.pattern.match(text, at)) is not None:
                pieces += [text[end:at], self.replacement(match)]
                end = match.end()
        return "".join([*pieces, text[end:]]) if pieces else text


def redact(text: str) -> str:
    """The text with everything that looks like a credential masked; the rest is unchanged."""
    text = without(text, hidden_here)
    folded = _fold(text)
    for one in _PASSES:
        if starts := one.starts(folded):
            done = one.applied(text, starts)
            if done != text:
                text, folded = done, _fold(done)
    return text


def hide_user_info(text: str) -> str:
    """The text with users and passwords in its URLs masked; the rest is unchanged."""
    return _USER_INFO.sub(rf"\1{HIDDEN}@", text)


def hide_in_urls(text: str) -> str:
    """The text with the credentials in its URLs masked: users, passwords, and signatures and tokens in a query."""
    # users first: an unescaped password may look like a query, whose match would include the @
    text = hide_user_info(text)
    for pattern in (_QUERY, _SAS):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


class Redactor:
    """Redacts a text that arrives in pieces of whole lines: a private key may begin in one and end in another.

    Args:
        values: known secrets, masked wherever they appear.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = tuple(values)
        # characters of the following text that may belong to an open key
        self._key_left = 0

    def redact(self, text: str) -> str:
        text = without(text, self._values)
        hidden = ""
        if self._key_left:
            hidden = HIDDEN
            edge = _KEY_EDGE.search(text, 0, self._key_left)
            if edge is None and len(text) < self._key_left:
                self._key_left -= len(text)
                return hidden
            at = edge.start() if edge else self._key_left
            end = _PEM_END.match(text, at)
            text = text[end.end() if end else at :]
        self._key_left = _open_key(text) if "PRIVATE" in text else 0
        return hidden + redact(text)


def _open_key(text: str) -> int:
    """The most characters after the text that may belong to a key that begins in it and does not end; 0 without one."""
    ends = [begun.end() for begun in _PEM_BEGIN.finditer(text)]
    if not ends or _KEY_EDGE.search(text, ends[-1]):
        return 0
    return max(0, _KEY_CHARACTERS - (len(text) - ends[-1]))


def _fold(text: str) -> str:
    """The text in lower case, of the same length; characters that no searched word contains may differ."""
    if text.isascii():
        return text.lower()
    for character, letter in _FOLDED.items():
        text = text.replace(character, letter)
    return text.encode("ascii", "replace").decode("ascii").lower()


def _places(folded: str, word: str) -> Iterator[int]:
    at = folded.find(word)
    while at >= 0:
        yield at
        at = folded.find(word, at + 1)


def _long_runs(folded: str) -> list[int]:
    """Positions where runs at least as long as an AWS secret begin."""
    found: list[int] = []
    if len(folded) < len(_SECRET):
        return found
    runs = folded.encode("ascii", "replace").translate(_RUNS).decode("ascii")
    at = runs.find(_SECRET)
    while at >= 0:
        found.append(at)
        end = runs.find(" ", at)
        at = runs.find(_SECRET, end) if end >= 0 else -1
    return found


def _after(separator: str = "", end: str = "") -> Callable[[re.Match[str]], str]:
    """A replacement that keeps the first group, which names what is masked."""
    hidden = f"{separator}{HIDDEN}{end}"
    return lambda match: match[1] + hidden


def _hide_mixed(match: re.Match[str]) -> str:
    found = match[0]
    kinds = (str.isupper, str.islower, str.isdigit)
    return HIDDEN if all(any(kind(character) for character in found) for kind in kinds) else found


_NAMES = ("secret", "token", "passw", "passphrase", "pwd", "credential", "signature", "authorization")
_KEYS = ("api", "access", "account", "private", "client")
# the smallest set of words of which every match of `_WORDS` contains one
_ANY_NAME = ("key", "token", "secret", "pass", "pwd", "credential", "signature", "authorization")

_BLOCK_ENDS = tuple(f"{sign}{chomp}{end}" for sign in "|>" for chomp in ("", "+", "-") for end in ("\n", "\r\n"))

# The order matters: whole blocks first, then values by their names, then values by their shape alone.
_PASSES: list[_Pass] = [
    _Pass(_PEM, _after(), ("-----begin", "---- begin"), ("private",)),
    _Pass(_PEM_REST, _after(), holds=("-----end", "---- end"), at_front=True),
    _Pass(_PPK, _after(": "), ("private-lines",)),
    _Pass(_XML, lambda match: f"<{match[1]}>{HIDDEN}", ("<aws", "<sig", "<str", "<can", "<sec", "<ses"), ("<",)),
    _Pass(_SIGNED_HEADER, _after(" "), ("aws4-hmac-sha256",)),
    _Pass(_BEARER, _after(" "), ("bearer", "basic")),
    _Pass(_USER_INFO, _after(end="@"), ("://",), ("@",)),
    _Pass(_QUERY, _after(), ("?", "&"), _ANY_NAME),
    _Pass(_SAS, _after(), ("?sig=", "&sig=")),
    _Pass(_BLOCK, _after(), (*_NAMES, *_KEYS), _BLOCK_ENDS),
    _Pass(_QUOTED, lambda match: f"{match[1]}{match[2]}{HIDDEN}", (*_NAMES, *_KEYS), _ANY_NAME),
    _Pass(_BARE, _after(), (*_NAMES, *_KEYS), _ANY_NAME),
    _Pass(_KEY_ID, _after(), ("akia", "asia", "aroa", "aida")),
    _Pass(_JWT, lambda _: HIDDEN, ("eyj",)),
    _Pass(_GITHUB, _after(), ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), ("_",)),
    _Pass(_SLACK, lambda match: f"{match[1]}-{HIDDEN}", ("xox", "xapp-")),
    _Pass(_MODEL_KEY, lambda _: f"sk-{HIDDEN}", ("sk-",)),
    _Pass(_SECRET_KEY, _hide_mixed),
]
