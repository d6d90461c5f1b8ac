"""Takes credentials out of text that will be kept: receipts, logs, Airflow's pages.

Errors of S3 clients quote what they sent: S3 answers a wrong secret with the access key and the string it should have
signed, and libraries add the URL with its query. Patterns cannot know every secret, so they err towards hiding: a
column called `password` may lose its type here, a password must not keep a character.

Every pattern starts at a fixed word and has bounded repetition before it decides, so the time is linear in the text;
error texts are as long as their authors like. Logs are longer still, and hold next to nothing that is secret: so each
pattern is only tried where its first word is, which a plain text search finds twenty times faster than the pattern would.
The result is that of `pattern.sub`, pass by pass; a property test holds the two together.
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
# what may stand before a value: `password=`, `"token": `, `'secret' => `, and the same inside an escaped JSON text;
# an exception is called TokenError, and has a message behind its colon
_SEPARATOR = r"[\w.-]{0,40}(?<!error)(?<!exception)\\{0,4}[\"']?\s{0,3}(?:=>|[=:])\s{0,3}"

# As OpenSSL, GnuPG and ssh.com write private keys, and as a URL's query spells the blanks.
_KEY_BEGIN = r"(?:-----|---- )BEGIN[A-Z0-9 +%]{0,40}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?(?:-----| ----)"
_KEY_END = r"(?:-----|---- )END[A-Z0-9 +%]{0,40}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?(?:-----| ----)"
# The body is everything up to the next such line: it has headers (`Proc-Type: 4,ENCRYPTED`), and in a log each of its lines
# may have a prefix with a date. A text that only mentions the first line loses no more than the largest key takes: an RSA
# key of 16,384 bits has 200 lines, with a prefix of 100 characters each.
_KEY_CHARACTERS = 32 * 1024
_KEY_EDGE = re.compile(r"(?:-----|---- )(?:BEGIN|END)[A-Z0-9 +%]")
# one that is masked already is followed by what is no part of a key
_PEM_BEGIN = re.compile(rf"{_KEY_BEGIN}(?!\*\*\*)")
_PEM_END = re.compile(_KEY_END)
_PEM = re.compile(
    rf"({_KEY_BEGIN})(?!\*\*\*)"
    rf"(?:[\s\S]{{0,{_KEY_CHARACTERS}}}?(?={_KEY_EDGE.pattern}|\Z)|[\s\S]{{{_KEY_CHARACTERS}}})(?:{_KEY_END})?"
)
# the rest of a key in a text that was cut at its front, such as the end of a log
_PEM_REST = re.compile(rf"\A()[A-Za-z0-9+/=\s\\]{{1,{_KEY_CHARACTERS}}}{_KEY_END}")
# PuTTY's own format
_PPK = re.compile(r"(Private-Lines: \d{1,4})(?:(?:\s|\\[nr])+[A-Za-z0-9+/=]{1,76}(?=[\s\\]|\Z))+", re.IGNORECASE)
# S3's own error documents
_XML = re.compile(
    r"<(AWSAccessKeyId|SignatureProvided|StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes"
    r"|SecretAccessKey|SessionToken)>[^<]*",
    re.IGNORECASE,
)
_SIGNED_HEADER = re.compile(r"\b(AWS4-HMAC-SHA256)[ \t][^\r\n]*")
_BEARER = re.compile(r"\b(Bearer|Basic)[ \t]+[\w.~+/=-]{6,}", re.IGNORECASE)
# user:password@host, and a token alone before the @; a password may hold slashes and at signs if nobody escaped them
_USER_INFO = re.compile(r"(://)(?:[^\s/@:\"']{0,256}:(?!\d{1,5}(?:/|$))[^\s\"']{0,512}|[^\s/@\"']{1,256})@")
# the signature of an Azure SAS, whose name is short and found in other words
_SAS = re.compile(r"([?&]sig=)[^&\s\"'<>]+", re.IGNORECASE)
_QUERY = re.compile(rf"([?&][\w.%-]{{0,60}}(?:{_WORDS})[\w.%-]{{0,40}}=)[^&\s\"'<>]*", re.IGNORECASE)
_QUOTED = re.compile(
    rf"((?:{_WORDS}){_SEPARATOR})(\"\"\"|'''|\\{{0,4}}[\"'])((?:(?!\2)[^\\]|\\.)*)", re.IGNORECASE | re.DOTALL
)
# a value of several lines, as YAML has it: all lines that are indented
_BLOCK = re.compile(
    rf"((?:{_WORDS}){_SEPARATOR})[|>][+-]?\r?\n[ \t]+[^\n]*(?:\r?\n(?:[ \t]+[^\n]*|[ \t]*(?=\r?\n[ \t])))*",
    re.IGNORECASE,
)
# not what is masked already, else the rest of a query string after it would go too
_BARE = re.compile(rf"((?:{_WORDS}){_SEPARATOR})(?!\*\*\*(?:[\s&\"'<>]|$))[^\s\"'<>][^\s<>]*", re.IGNORECASE)
# key ids that AWS hands out; the prefix says what kind, and is worth keeping
_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,124}(?![A-Za-z0-9])")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
_GITHUB = re.compile(r"\b(gh[pousr]_|github_pat_)\w{20,}")
# bot, user, app and refresh tokens of Slack
_SLACK = re.compile(r"\b(xox[a-z]|xapp)-[\w.-]{10,}", re.IGNORECASE)
# `sk-proj-`, `sk-ant-`, and plain `sk-` before a run too long for words with hyphens
_MODEL_KEY = re.compile(r"\b(sk-(?:proj|svcacct|admin|ant)-[\w-]{20,}|sk-[A-Za-z0-9]{20,})")
# an AWS secret without its name: 40 characters of base64, too mixed to be a word, a path or a hash in hex
_SECRET_KEY = re.compile(r"(?<![\w/+=.-])[A-Za-z0-9/+]{40}(?![\w/+=.-])")


# what patterns that ignore case take for an ASCII letter, beyond the letter itself
_FOLDED = {"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"}
# what may not stand beside an AWS secret, as one letter; all else is a blank
_SECRET = "x" * 40
_RUNS = bytes.maketrans(
    bytes(range(256)),
    bytes(ord("x") if chr(code).isalnum() or chr(code) in "_/+=.-" else 32 for code in range(128)) + b" " * 128,
)


class _Pass(NamedTuple):
    """A pattern, and where in a folded text it may match at all.

    Attributes:
        begins: the first words of every match; none: it begins a run of letters as long as an AWS secret.
        holds: one of these is in every match too; nothing is looked for where none is in the text.
    """

    pattern: re.Pattern[str]
    replacement: Callable[[re.Match[str]], str]
    begins: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    # only at the text's front
    at_front: bool = False

    def starts(self, folded: str) -> list[int]:
        """Where to try, in order."""
        if self.holds and not any([word in folded for word in self.holds]):  # noqa: C419  # a generator takes twice as long
            return []
        if self.at_front:
            return [0]
        if not self.begins:
            return _long_runs(folded)
        found = [word for word in self.begins if word in folded]
        return sorted([at for word in found for at in _places(folded, word)]) if found else []

    def applied(self, text: str, starts: list[int]) -> str:
        """What `pattern.sub` makes of the text, whose matches all begin at one of these places."""
        pieces: list[str] = []
        end = 0
        for at in starts:
            if at >= end and (match := self.pattern.match(text, at)) is not None:
                pieces += [text[end:at], self.replacement(match)]
                end = match.end()
        return "".join([*pieces, text[end:]]) if pieces else text


def redact(text: str) -> str:
    """The text without what looks like a credential; everything else stays as it is."""
    text = without(text, hidden_here)
    folded = _fold(text)
    for one in _PASSES:
        if starts := one.starts(folded):
            done = one.applied(text, starts)
            if done != text:
                text, folded = done, _fold(done)
    return text


def hide_user_info(text: str) -> str:
    """The text without users and passwords in its URLs, and all else as it is."""
    return _USER_INFO.sub(rf"\1{HIDDEN}@", text)


def hide_in_urls(text: str) -> str:
    """The text without what opens a door in its URLs: users, passwords, signatures and tokens in a query."""
    # users first: a password that nobody escaped may look like a query, and would take the @ along
    text = hide_user_info(text)
    for pattern in (_QUERY, _SAS):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


class Redactor:
    """Redacts a text that comes in pieces, whole lines each: a private key may begin in one and end in another.

    Args:
        values: secrets that are known, and are hidden whatever they look like.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = tuple(values)
        # how much more of the text may be the key's that has begun
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
    """How many characters after the text may still be of a key that begins in it and does not end; else 0."""
    ends = [begun.end() for begun in _PEM_BEGIN.finditer(text)]
    if not ends or _KEY_EDGE.search(text, ends[-1]):
        return 0
    return max(0, _KEY_CHARACTERS - (len(text) - ends[-1]))


def _fold(text: str) -> str:
    """The text in lower case, character for character, as far as the words to look for can tell."""
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
    """Where runs begin that are at least as long as an AWS secret."""
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
    """Keeps the first group, which says what was hidden."""
    hidden = f"{separator}{HIDDEN}{end}"
    return lambda match: match[1] + hidden


def _hide_mixed(match: re.Match[str]) -> str:
    found = match[0]
    kinds = (str.isupper, str.islower, str.isdigit)
    return HIDDEN if all(any(kind(character) for character in found) for kind in kinds) else found


_NAMES = ("secret", "token", "passw", "passphrase", "pwd", "credential", "signature", "authorization")
_KEYS = ("api", "access", "account", "private", "client")
# the fewest words of which one is in whatever `_WORDS` matches
_ANY_NAME = ("key", "token", "secret", "pass", "pwd", "credential", "signature", "authorization")

_BLOCK_ENDS = tuple(f"{sign}{chomp}{end}" for sign in "|>" for chomp in ("", "+", "-") for end in ("\n", "\r\n"))

# The order matters: whole blocks first, then values by their names, what is known by its shape alone last.
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
