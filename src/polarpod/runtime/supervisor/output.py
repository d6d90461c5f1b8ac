"""Relays the child's output through the supervisor, which masks known secrets.

The child and its descendants print into pipes. Only the supervisor holds their reading ends, so that after its death a write
fails instead of blocking forever. Nothing here blocks, except `drain` at the end: the same loop enforces deadline and
limits, also where the log reader is stuck; the child then blocks in its write, as it would without the supervisor.
"""

from __future__ import annotations

import os
import select
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polarpod.runtime.supervisor.mask import Mask

_READ_BYTES = 64 * 1024
# The largest pipe without privileges (fs.pipe-max-size), so the upper bound of the output left after the child's end.
_PIPE_BYTES = 1024 * 1024


class Output:
    """Standard output and standard error of one child."""

    def __init__(self) -> None:
        """Creates the pipes; a single one, to keep the order, where both streams are one file, such as a log on disk."""
        numbers = [number for number in (1, 2) if _is_open(number)]
        together = len(numbers) == 2 and os.path.sameopenfile(1, 2)
        self._streams = [_Stream(numbers)] if together else [_Stream([number]) for number in numbers]

    def become_childs(self) -> None:
        """Called in the child: redirects its output into the pipes."""
        for stream in self._streams:
            stream.become_childs()

    def become_supervisors(self) -> None:
        """Called in the supervisor: closes its copies of the writing ends, so that the child's end closes the pipes."""
        for stream in self._streams:
            os.close(stream.writer)

    def wait(self, other: int, seconds: float) -> None:
        """Waits until output can be relayed, the descriptor `other` is readable, or `seconds` have passed. Relays the
        available output."""
        reading = {stream.reader: stream for stream in self._streams if not stream.over and not stream.pending}
        writing = {stream.shown_on: stream for stream in self._streams if stream.pending}
        readable, writable, _ = select.select([other, *reading], [*writing], [], max(0.0, seconds))
        for number in writable:
            writing[number].write()
        for number in readable:
            if number != other:
                reading[number].read()

    def drain(self, *, patience: float | None = None) -> None:
        """Relays the rest of the output after the child's end.

        Output that a process which could not be killed prints later is not included.

        Args:
            patience: seconds to wait for a blocked reader; None waits without limit.
        """
        for stream in self._streams:
            while True:
                if stream.pending:
                    if not select.select([], [stream.shown_on], [], patience)[1]:
                        return
                    stream.write()
                elif stream.over:
                    break
                else:
                    stream.read(last=True)

    def lost(self) -> str:
        """Returns a message about lost output; "" where none was lost."""
        return "; ".join(stream.lost() for stream in self._streams if stream.lost_bytes)


class _Stream:
    """One pipe and the stream it is relayed to.

    Attributes:
        pending: bytes to write before more are read.
        over: whether the pipe is read to its end.
    """

    def __init__(self, numbers: list[int]) -> None:
        """Args:
        numbers: the child's descriptors that write to the pipe; the supervisor relays it to the first.
        """
        self._numbers = numbers
        self.shown_on = numbers[0]
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        # A writable pipe accepts PIPE_BUF bytes without blocking, a regular file any number.
        self._step = _READ_BYTES if stat.S_ISREG(os.fstat(self.shown_on).st_mode) else select.PIPE_BUF
        self._mask: Mask | None = None
        self.pending = memoryview(b"")
        self.over = False
        self._last_bytes = 0
        self.lost_bytes = 0
        self._why_lost = ""

    def become_childs(self) -> None:
        for number in self._numbers:
            os.dup2(self.writer, number)
        os.close(self.writer)
        os.close(self.reader)

    def read(self, *, last: bool = False) -> None:
        """Reads once, where data is available.

        Args:
            last: whether the child has ended, so that an empty pipe is at its end.
        """
        try:
            data = os.read(self.reader, _READ_BYTES)
        except BlockingIOError:
            if not last:
                return
            data = b""
        if last:
            self._last_bytes += len(data)
        self.over = not data or self._last_bytes > _PIPE_BYTES
        try:
            shown = self._masked(data)
        except Exception as error:  # noqa: BLE001  # a bug in masking must neither end a run nor show a secret
            self._lose(len(data), f"they could not be masked ({type(error).__name__})")
            return
        self.pending = memoryview(shown)

    def write(self) -> None:
        """Writes as much as possible without blocking."""
        try:
            written = os.write(self.shown_on, self.pending[: self._step])
        except BlockingIOError:  # the parent process shares the descriptor and made it non-blocking
            return
        except OSError as error:  # a full disk or a closed reader must not stop the child
            self._lose(len(self.pending), error.strerror or str(error))
            written = len(self.pending)
        self.pending = self.pending[written:]

    def lost(self) -> str:
        return f"{self.lost_bytes:,} bytes of what the job printed are lost: {self._why_lost}"

    def _masked(self, data: bytes) -> bytes:
        if self._mask is None:
            if not data:
                return b""
            # Most jobs print little or nothing: the patterns are loaded at the first output.
            from polarpod.contract.known_secrets import secret_values
            from polarpod.runtime.supervisor.mask import Mask

            self._mask = Mask(secret_values(os.environ))
        shown = self._mask.take(data)
        return shown + self._mask.end() if self.over else shown

    def _lose(self, count: int, why: str) -> None:
        self.lost_bytes += count
        self._why_lost = why


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
