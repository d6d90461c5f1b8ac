"""What a job prints is shown without known secrets and what looks like one, and else byte by byte, in whatever pieces it
comes."""

from __future__ import annotations

import pytest

from polarpod.contract.known_secrets import secret_values
from polarpod.runtime.supervisor.mask import LONGEST_LINE_BYTES, Mask

KEY = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,01\n\n" + b"MIIEow/x\n" * 20
END = b"-----END RSA PRIVATE KEY-----\n"
PASSWORD = "Tr0ub4dor-and-3"
LINES = "first of it\nand Zweite Zeile\nlast of it"
SPACED = "correct horse battery staple"
VALUES = secret_values({"DB_PASSWORD": PASSWORD, "SIGNING_KEY": LINES, "PASSPHRASE": SPACED})
SIZES = pytest.mark.parametrize(
    "size", [pytest.param(1, id="byte by byte"), pytest.param(7, id="in sevens"), pytest.param(50, id="in fifties")]
)


def pieces(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def shown(*texts: bytes) -> bytes:
    mask = Mask(VALUES)
    return b"".join([*map(mask.take, texts), mask.end()])


@SIZES
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"caf\xe9, 3 rows\n\x00\xff\n", id="bytes that are no text"),
        pytest.param("Grüße, \U0001f600 rows\n".encode(), id="letters of several bytes"),
        pytest.param(b"10 %\r20 %\r100 %\r\nno end of line", id="a line that never ends"),
        pytest.param(b"first of it\nand something else\nfirst of it\n", id="the first line of a secret alone"),
        pytest.param(b"first of it\nfirst of it\nand Zwei\n\n\n", id="a secret that is begun twice"),
    ],
)
def test_what_is_no_credential_comes_out_byte_by_byte(text: bytes, size: int) -> None:
    assert shown(*pieces(text, size)) == text


@SIZES
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"login with {PASSWORD}\n", "login with ***\n", id="of one line"),
        pytest.param(f"login with {PASSWORD}", "login with ***", id="in a line without an end"),
        pytest.param(f"key: {LINES}.\nrows\n", "key: ***.\nrows\n", id="of several lines"),
        pytest.param(f"first of it\n{LINES}\nrows\n", "first of it\n***\nrows\n", id="after its own first line"),
        pytest.param(f"{LINES}\n{LINES}", "***\n***", id="twice"),
    ],
)
def test_a_known_secret_is_hidden_in_whatever_pieces_it_comes(text: str, expected: str, size: int) -> None:
    assert shown(*pieces(text.encode(), size)) == expected.encode()


@SIZES
def test_a_private_key_that_nobody_knows_is_hidden_too(size: int) -> None:
    said = shown(*pieces(b"before a-b\n" + KEY + END + b"after c-d\n", size))
    assert b"MIIEow" not in said
    assert said.startswith(b"before a-b\n")
    assert said.endswith(b"after c-d\n")


def test_a_line_is_shown_as_soon_as_it_ends_and_not_before() -> None:
    mask = Mask(VALUES)
    assert [mask.take(text) for text in (b"read", b"ing\nwri", b"ting\n")] == [b"", b"reading\n", b"writing\n"]
    assert mask.take(b"first of it\n") == b"", "the first line of a secret of several"
    assert mask.take(b"and more\n") == b"first of it\nand more\n"


@pytest.mark.parametrize(
    ("before", "after", "secret"),
    [
        pytest.param(b" password=hun", b"ter2 and on", b"ter2", id="within a password"),
        pytest.param(b" correct horse bat", b"tery staple", b"horse", id="within a known one with blanks"),
        pytest.param(b"Tr0ub4d", b"or-and-3", b"or-and-3", id="within a known one that follows a word"),
        pytest.param(b" -----BEGIN RSA PRI", b"VATE KEY-----\\nMIIEow", b"MIIEow", id="within a key's first line"),
        pytest.param(b" -----BEGIN", b" PRIVATE KEY-----\\nMIIEow", b"MIIEow", id="after its first word"),
        pytest.param(b" --", b"---BEGIN PRIVATE KEY-----\\nMIIEow", b"MIIEow", id="within its dashes"),
        pytest.param(b"--", b"---BEGIN PRIVATE KEY-----\\nMIIEow", b"MIIEow", id="within dashes that follow a word"),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----" + b"M" * 74, b"IIEow", b"IIEow", id="a hundred bytes after a first dash"
        ),
        pytest.param(b" -----BEGIN PRIVATE KEY-----\\nMI", b"IEow", b"IEow", id="within the key"),
    ],
)
def test_an_endless_line_is_not_cut_within_a_credential(before: bytes, after: bytes, secret: bytes) -> None:
    said = shown(b"x" * LONGEST_LINE_BYTES + before, after)
    assert secret not in said
    assert said.startswith(b"x" * LONGEST_LINE_BYTES)


@pytest.mark.parametrize(
    "letter",
    [
        pytest.param(b"x", id="one word"),
        pytest.param(b"-", id="dashes"),
        pytest.param(b" ", id="blanks"),
        pytest.param(b"first of it\n", id="the first line of a secret"),
    ],
)
def test_no_more_is_held_than_a_line_and_a_secret(letter: bytes) -> None:
    mask = Mask(VALUES)
    piece = letter * (LONGEST_LINE_BYTES // len(letter))
    said = b""
    for number in range(1, 9):
        said += mask.take(piece)
        assert len(said) >= len(piece) * number - LONGEST_LINE_BYTES - len(LINES)
    assert said + mask.end() == piece * 8
