"""The log of a worker on this machine is passed on while it grows, whole lines at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarpod.launch.log_file import LogFile
from polarpod.launch.worker import LOG_TAIL_BYTES


class Log:
    """A log file that is written and followed piece by piece."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "worker.log"
        self.shown: list[bytes] = []
        self.file = LogFile(self.path, self.shown.append)

    def write(self, *pieces: bytes) -> None:
        for piece in pieces:
            with self.path.open("ab") as handle:
                handle.write(piece)
            self.file.follow()


@pytest.mark.parametrize("size", [pytest.param(1, id="byte by byte"), pytest.param(7, id="in sevens")])
def test_lines_are_passed_on_whole(size: int, tmp_path: Path) -> None:
    log, text = Log(tmp_path), b"reading 3 files\ncaf\xe9\nno end of line"
    log.write(*(text[at : at + size] for at in range(0, len(text), size)))
    log.file.finish()
    assert all(lines.endswith(b"\n") for lines in log.shown)
    assert b"".join(log.shown) == text + b"\n"
    assert log.file.tail() == text + b"\n"


def test_no_more_than_its_end_is_kept(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(*[b"a line of text\n" * 1000] * 10, b"the last\n")
    assert len(log.file.tail()) == LOG_TAIL_BYTES
    assert log.file.tail().endswith(b"text\nthe last\n")


def test_an_endless_line_is_passed_on_in_pieces(tmp_path: Path) -> None:
    log, piece = Log(tmp_path), b"x" * (LOG_TAIL_BYTES + 1)
    log.write(piece, piece)
    assert log.shown == [piece + b"\n", piece + b"\n"]


def test_a_log_that_the_job_has_removed_has_nothing_new(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.file.finish()
    assert log.shown == []
    assert log.file.tail() == b""
