"""Lines of an unbounded response: a watch, a log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import urllib3


class Stream:
    """Whole lines as they arrive, until the server ends the response or another thread closes this.

    Attributes:
        broken: the connection broke before the response ended. The lines end then too: the caller must read the state anew.
    """

    def __init__(self, response: urllib3.HTTPResponse, *, longest: int | None = None) -> None:
        """Args:
        longest: the number of bytes at which a line is truncated.
        """
        self._response = response
        self._longest = longest
        self._pieces: list[bytes] = []
        self._size = 0
        self.broken = False

    def __iter__(self) -> Iterator[bytes]:
        for lines in self.batches():
            yield from lines

    def batches(self) -> Iterator[list[bytes]]:
        """The lines, in the groups in which they arrived."""
        try:
            for chunk in self._response.stream(None, decode_content=False):
                *ends, rest = chunk.split(b"\n")
                lines = []
                for end in ends:
                    self._keep(end)
                    lines.append(self.rest)
                    self._pieces, self._size = [], 0
                self._keep(rest)
                if lines:
                    yield lines
        except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
            self.broken = True

    @property
    def rest(self) -> bytes:
        """The bytes after the last line end: a line without one, or half a line; the two are indistinguishable here."""
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        kept = piece if self._longest is None else piece[: max(self._longest - self._size, 0)]
        if kept:
            self._pieces.append(kept)
            self._size += len(kept)

    def close(self) -> None:
        """Ends the reading; safe from another thread."""
        with suppress(Exception):  # the connection may be in any state; no error here is of interest
            self._response.shutdown()
        with suppress(Exception):
            self._response.close()


class Reading:
    """The one stream that a thread reads at a time, and that another thread may close at any moment.

    A stream that is closed while it is being opened is never read: one of the two threads always sees the other's change.
    """

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._stream: Stream | None = None

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def wait(self, seconds: float) -> None:
        """Returns after so many seconds, or at once when this is closed."""
        self._closed.wait(seconds)

    def open(self, connect: Callable[[], Stream]) -> Stream | None:
        """A new stream; None where this is closed."""
        if self.closed:
            return None
        # in this order: `close` sets the flag before it reads `_stream`
        self._stream = stream = connect()
        if self.closed:
            stream.close()
            return None
        return stream

    def close(self) -> None:
        """Closes the current stream and every later one."""
        self._closed.set()
        if self._stream:
            self._stream.close()
