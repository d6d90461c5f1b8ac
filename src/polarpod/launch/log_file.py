"""The log of a worker on this machine, as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from polarpod.contract.redact import Redactor
from polarpod.launch.worker import LOG_TAIL_BYTES, redacted

# a credential is shorter than the first where it has no blanks, and the line that a private key begins with than the second
_LONGEST_WORD = 4096
_LONGEST_EDGE = 100


class LogFile:
    """Passes on new bytes of a growing log, whole lines at a time, without what looks like a credential."""

    def __init__(self, path: Path, on_lines: Callable[[bytes], None], secrets: Iterable[str] = ()) -> None:
        self._path = path
        self._say = on_lines
        self._offset = 0
        self._rest = b""
        self._redactor = Redactor(secrets)
        self._tail = b""

    def _on_lines(self, lines: bytes) -> None:
        said = redacted(lines, self._redactor)
        # of what was redacted: the file's own end may begin in the middle of a key
        self._tail = (self._tail + said)[-LOG_TAIL_BYTES:]
        self._say(said)

    def finish(self) -> None:
        """Passes on all that is left, the line that was never ended included."""
        while self.follow():
            pass
        if self._rest:
            self._on_lines(self._rest + b"\n")
            self._rest = b""

    def follow(self) -> bool:
        """Passes on what is new. False where nothing was."""
        try:
            with self._path.open("rb") as handle:
                handle.seek(self._offset)
                # bounded: a job that prints a gigabyte must not be held in memory here
                new = handle.read(LOG_TAIL_BYTES * 16)
        except FileNotFoundError:  # the job has removed its scratch directory
            return False
        self._offset += len(new)
        lines, newline, self._rest = (self._rest + new).rpartition(b"\n")
        if newline:
            self._on_lines(lines + newline)
        if len(self._rest) > LOG_TAIL_BYTES:
            cut = cut_of(self._rest)
            self._on_lines(self._rest[:cut] + b"\n")
            self._rest = self._rest[cut:]
        return bool(new)

    def tail(self) -> bytes:
        """The end of what was passed on."""
        return self._tail


def cut_of(line: bytes) -> int:
    """Where an endless line is cut: before a word, since half a credential may not look like one, and before what may be
    the beginning of a private key."""
    near = max(1, len(line) - _LONGEST_EDGE)
    dashes = line.find(b"----", near)
    if dashes < 0 and line.endswith(b"-"):
        dashes = max(near, len(line.rstrip(b"-")))
    if dashes >= 0:
        return dashes - 1 if line[dashes - 1 : dashes] == b"-" else dashes
    blank = line.rfind(b" ", max(1, len(line) - _LONGEST_WORD))
    return blank if blank > 0 else len(line)
