"""What the child prints, on its way to where others read it: through the supervisor, which masks what it knows as secret.

The child and all that it starts print into pipes. Only the supervisor has their reading ends, so that its death is an error
to whoever writes, and nobody waits for ever. Nothing here waits, except for `drain` at the very end: deadline and limits are
enforced by the same loop, also where the reader of a log is stuck; the child then waits in its write, as it would without
the supervisor between.
"""

from __future__ import annotations

import os
import select
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polarpod.runtime.supervisor.mask import Mask

_READ_BYTES = 64 * 1024
# as much as a pipe can hold without privileges (fs.pipe-max-size): after the child's end, all of what it has printed
_PIPE_BYTES = 1024 * 1024


class Output:
    """Both streams of one child."""

    def __init__(self) -> None:
        """Makes the pipes. One where both streams are one file, as in a log on disk: what is printed stays in order."""
        numbers = [number for number in (1, 2) if _is_open(number)]
        together = len(numbers) == 2 and os.path.sameopenfile(1, 2)
        self._streams = [_Stream(numbers)] if together else [_Stream([number]) for number in numbers]

    def become_childs(self) -> None:
        """In the child: what is printed from here on goes into the pipes."""
        for stream in self._streams:
            stream.become_childs()

    def become_supervisors(self) -> None:
        """In the supervisor: leaves the writing ends to the child, else they would never be closed."""
        for stream in self._streams:
            os.close(stream.writer)

    def wait(self, other: int, seconds: float) -> None:
        """Waits until something can be passed on, or the other descriptor can be read, or time is over. Passes on
        what can be."""
        reading = {stream.reader: stream for stream in self._streams if not stream.over and not stream.pending}
        writing = {stream.shown_on: stream for stream in self._streams if stream.pending}
        readable, writable, _ = select.select([other, *reading], [*writing], [], max(0.0, seconds))
        for number in writable:
            writing[number].write()
        for number in readable:
            if number != other:
                reading[number].read()

    def drain(self, *, patience: float | None = None) -> None:
        """Passes on what is left after the child's end.

        Not what a process prints later that cannot be ended: it is not waited for.

        Args:
            patience: for how long it is waited for a reader that takes nothing; by default as long as it takes.
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
        """What could not be passed on, in words; empty where all was."""
        return "; ".join(stream.lost() for stream in self._streams if stream.lost_bytes)


class _Stream:
    """One pipe, and the stream that it is shown on.

    Attributes:
        pending: what is to be written before more is read.
        over: nothing more is read.
    """

    def __init__(self, numbers: list[int]) -> None:
        """Args:
        numbers: the child's descriptors that lead into the pipe; the supervisor shows it on the first.
        """
        self._numbers = numbers
        self.shown_on = numbers[0]
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        # a pipe that has any room takes so much at once, and a file takes all
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
        """Reads once, where there is something.

        Args:
            last: the child is gone; where nothing is there by now, nothing more comes.
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
        except Exception as error:  # noqa: BLE001  # a fault of ours must not end a run, nor show what may be a secret
            self._lose(len(data), f"they could not be masked ({type(error).__name__})")
            return
        self.pending = memoryview(shown)

    def write(self) -> None:
        """Writes as much as goes without waiting."""
        try:
            written = os.write(self.shown_on, self.pending[: self._step])
        except BlockingIOError:  # who has started us shares the descriptor, and does not wait
            return
        except OSError as error:  # a full disk, a reader that is gone: the child must go on all the same
            self._lose(len(self.pending), error.strerror or str(error))
            written = len(self.pending)
        self.pending = self.pending[written:]

    def lost(self) -> str:
        return f"{self.lost_bytes:,} bytes of what the job printed are lost: {self._why_lost}"

    def _masked(self, data: bytes) -> bytes:
        if self._mask is None:
            if not data:
                return b""
            # most jobs print little or nothing: who prints pays for the patterns
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
