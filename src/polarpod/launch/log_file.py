"""The log of a worker on this machine, as it grows. The worker itself masks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from polarpod.launch.worker import LOG_TAIL_BYTES


class LogFile:
    """Passes on new bytes of a growing log, whole lines at a time."""

    def __init__(self, path: Path, on_lines: Callable[[bytes], None]) -> None:
        self._path = path
        self._say = on_lines
        self._offset = 0
        self._rest = b""
        self._tail = b""

    def _on_lines(self, lines: bytes) -> None:
        self._tail = (self._tail + lines)[-LOG_TAIL_BYTES:]
        self._say(lines)

    def finish(self) -> None:
        """Passes on the rest, an unterminated last line included."""
        while self.follow():
            pass
        if self._rest:
            self._on_lines(self._rest + b"\n")
            self._rest = b""

    def follow(self) -> bool:
        """Passes on new lines. Returns False where nothing was new."""
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
            self._on_lines(self._rest + b"\n")
            self._rest = b""
        return bool(new)

    def tail(self) -> bytes:
        """The end of what was passed on."""
        return self._tail
