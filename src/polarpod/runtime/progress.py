"""The child's progress: a few numbers in memory shared with the supervisor, because a pipe can block and a file costs a
system call per batch. Only the child writes; the supervisor may read at any time."""

from __future__ import annotations

import mmap
import struct
import time
from enum import IntEnum

_LAYOUT = struct.Struct("=BQd")


class Phase(IntEnum):
    """The phase the child is in."""

    STARTING = 0
    LOAD = 1
    SCAN = 2
    TRANSFORM = 3
    STAGE = 4
    CHECK = 5
    PUBLISH = 6
    DONE = 7


class Progress:
    """Shared by fork: created before it, used by both processes."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _LAYOUT.size)
        self._phase = Phase.STARTING
        self._rows = 0
        self._first_line = 0.0

    def enter(self, phase: Phase) -> None:
        self._phase = phase
        self._store()

    def add_rows(self, count: int) -> None:
        self._rows += count
        self._store()

    def first_line(self) -> None:
        """Records the monotonic time at which the job's own code begins."""
        self._first_line = time.monotonic()
        self._store()

    def read(self) -> tuple[Phase, int, float]:
        """Returns the phase, the rows written so far, and the monotonic time of the first line (0 before it)."""
        phase, rows, first_line = _LAYOUT.unpack(self._memory[: _LAYOUT.size])
        return Phase(phase), rows, first_line

    def _store(self) -> None:
        self._memory[: _LAYOUT.size] = _LAYOUT.pack(self._phase, self._rows, self._first_line)
