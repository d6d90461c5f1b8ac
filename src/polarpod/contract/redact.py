"""Takes credentials out of text that will be kept: receipts, logs, Airflow's pages.

Errors of S3 clients quote what they sent: S3 answers a wrong secret with the access key and the string it should have
signed, and libraries add the URL with its query. Patterns cannot know every secret, so they err towards hiding: a
column called `password` may lose its type here, a password must not keep a character.

Every pattern starts at a fixed word and has bounded repetition before it decides, so the time is linear in the text;
error texts are as long as their authors like.
"""

from __future__ import annotations

import re
from collections.abc import Callable

HIDDEN = "***"

_WORDS = (
    r"secret|token|passw(?:or)?d|passphrase|pwd|credential|signature|authorization|api[_-]?key|access[_-]?key|"
    r"account[_-]?key|private[_-]?key|client[_-]?key"
)
# what may stand before a value: `password=`, `"token": `, `'secret' => `, and the same inside an escaped JSON text;
# an exception is called TokenError, and has a message behind its colon
_SEPARATOR = r"[\w.-]{0,40}(?<!error)(?<!exception)\\{0,4}[\"']?\s{0,3}(?:=>|[=:])\s{0,3}"

_PEM = re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?")
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
_QUERY = re.compile(rf"([?&][\w.%-]{{0,60}}(?:{_WORDS})[\w.%-]{{0,40}}=)[^&\s\"'<>]*", re.IGNORECASE)
_QUOTED = re.compile(rf"((?:{_WORDS}){_SEPARATOR})(\\{{0,4}}[\"'])((?:(?!\2)[^\\]|\\.)*)", re.IGNORECASE | re.DOTALL)
# not what is masked already, else the rest of a query string after it would go too
_BARE = re.compile(rf"((?:{_WORDS}){_SEPARATOR})(?!\*\*\*(?:[\s&\"'<>]|$))[^\s\"'<>][^\s<>]*", re.IGNORECASE)
# key ids that AWS hands out; the prefix says what kind, and is worth keeping
_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,124}(?![A-Za-z0-9])")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
_GITHUB = re.compile(r"\b(gh[pousr]_|github_pat_)\w{20,}")
# an AWS secret without its name: 40 characters of base64, too mixed to be a word, a path or a hash in hex
_SECRET_KEY = re.compile(r"(?<![\w/+=.-])[A-Za-z0-9/+]{40}(?![\w/+=.-])")


def redact(text: str) -> str:
    """The text without what looks like a credential; everything else stays as it is."""
    for pattern, replacement in _PASSES:
        text = pattern.sub(replacement, text)
    return text


def _hide_mixed(match: re.Match[str]) -> str:
    found = match[0]
    kinds = (str.isupper, str.islower, str.isdigit)
    return HIDDEN if all(any(kind(character) for character in found) for kind in kinds) else found


# The order matters: whole blocks first, then values by their names, what is known by its shape alone last.
_PASSES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (_PEM, rf"\1{HIDDEN}"),
    (_XML, rf"<\1>{HIDDEN}"),
    (_SIGNED_HEADER, rf"\1 {HIDDEN}"),
    (_BEARER, rf"\1 {HIDDEN}"),
    (_USER_INFO, rf"\1{HIDDEN}@"),
    (_QUERY, rf"\1{HIDDEN}"),
    (_QUOTED, rf"\1\2{HIDDEN}"),
    (_BARE, rf"\1{HIDDEN}"),
    (_KEY_ID, rf"\1{HIDDEN}"),
    (_JWT, HIDDEN),
    (_GITHUB, rf"\1{HIDDEN}"),
    (_SECRET_KEY, _hide_mixed),
]
