"""What a job prints reaches people without what looks like a credential; bytes that are no text reach them unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarpod.launch.log_file import LogFile
from polarpod.launch.worker import LOG_TAIL_BYTES, redacted

KEY = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,01\n\n" + b"MIIEow/x\n" * 20
END = b"-----END RSA PRIVATE KEY-----\n"


class Log:
    """A log file that is written and followed piece by piece."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "worker.log"
        self.shown: list[bytes] = []
        self.file = LogFile(self.path, self.shown.append, ["Tr0ub4dor-and-3"])

    def write(self, *pieces: bytes) -> None:
        for piece in pieces:
            with self.path.open("ab") as handle:
                handle.write(piece)
            self.file.follow()


def test_a_password_that_a_job_prints_is_not_passed_on() -> None:
    assert b"hunter2" not in redacted(b"connecting with password=hunter2 to the warehouse\n")


def test_bytes_that_are_no_text_are_passed_on_as_they_are() -> None:
    assert redacted(b"caf\xe9, 3 rows\n") == b"caf\xe9, 3 rows\n"


@pytest.mark.parametrize(
    "size", [pytest.param(1, id="byte by byte"), pytest.param(7, id="in sevens"), pytest.param(50, id="in fifties")]
)
def test_a_private_key_that_is_written_piece_by_piece_is_not_passed_on(size: int, tmp_path: Path) -> None:
    log, text = Log(tmp_path), b"before a-b\n" + KEY + END + b"after c-d\n"
    log.write(*(text[at : at + size] for at in range(0, len(text), size)))
    log.file.finish()
    said = b"".join(log.shown)
    assert b"MIIEow" not in said
    assert said.startswith(b"before a-b\n")
    assert said.endswith(b"after c-d\n")
    assert log.file.tail() == said


def test_the_end_of_a_log_that_begins_within_a_key_is_kept_without_it(tmp_path: Path) -> None:
    log = Log(tmp_path)
    # the file's last 64 KiB begin in the middle of the key
    log.write(KEY, END + b"a line of text\n" * ((LOG_TAIL_BYTES - 100) // 15))
    log.write(b"a line of text\n" * 20)
    log.file.finish()
    assert b"MIIEow" not in log.file.tail()
    assert log.file.tail().endswith(b"a line of text\n")
    assert len(log.file.tail()) <= LOG_TAIL_BYTES


@pytest.mark.parametrize(
    ("before", "after", "secret"),
    [
        pytest.param(b" password=hun", b"ter2 and on", b"ter2", id="within a password"),
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
def test_an_endless_line_is_not_cut_within_a_credential(before: bytes, after: bytes, secret: bytes, tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(b"x" * LOG_TAIL_BYTES + before, after)
    log.file.finish()
    assert secret not in b"".join(log.shown)


@pytest.mark.parametrize(
    "letter", [pytest.param(b"x", id="one word"), pytest.param(b"-", id="dashes"), pytest.param(b" ", id="blanks")]
)
def test_an_endless_line_is_passed_on_in_pieces(letter: bytes, tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(letter * (LOG_TAIL_BYTES + 1), letter * (LOG_TAIL_BYTES + 1))
    assert len(log.shown) == 2
    log.file.finish()
    assert b"".join(log.shown).replace(b"\n", b"") == letter * (2 * LOG_TAIL_BYTES + 2)


@pytest.mark.parametrize("size", [pytest.param(1, id="byte by byte"), pytest.param(7, id="in sevens")])
def test_a_value_that_the_launcher_has_passed_on_is_hidden_in_whatever_pieces_it_is_written(
    size: int, tmp_path: Path
) -> None:
    log, text = Log(tmp_path), b"login with Tr0ub4dor-and-3\n"
    log.write(*(text[at : at + size] for at in range(0, len(text), size)))
    log.file.finish()
    assert b"".join(log.shown) == log.file.tail() == b"login with ***\n"
