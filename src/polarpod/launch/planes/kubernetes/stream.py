"""Lines of an answer that has no end of its own: a watch, a log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import urllib3


class Stream:
    """Whole lines as they come, until the server ends them or somebody else closes this.

    Attributes:
        broken: the connection ended before the server did. That ends the lines too: whoever reads asks what is true now.
    """

    def __init__(self, response: urllib3.HTTPResponse, *, longest: int | None = None) -> None:
        """Args:
        longest: what comes after so many bytes of a line is left out.
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
        """The lines, as many at a time as came together."""
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
        """What came after the last end of a line: words without one, or half a line, which no one can tell apart here."""
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        kept = piece if self._longest is None else piece[: max(self._longest - self._size, 0)]
        if kept:
            self._pieces.append(kept)
            self._size += len(kept)

    def close(self) -> None:
        """Ends the reading, also from another thread."""
        with suppress(Exception):  # a connection in any state; there is nothing to be said about it
            self._response.shutdown()
        with suppress(Exception):
            self._response.close()


class Reading:
    """The one stream that a thread reads at a time, and that another thread may close at any moment.

    A stream that is closed while it is being opened is never read: of the two threads one sees what the other has done.
    """

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._stream: Stream | None = None

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def wait(self, seconds: float) -> None:
        """Returns after that time, or at once when this is closed."""
        self._closed.wait(seconds)

    def open(self, connect: Callable[[], Stream]) -> Stream | None:
        """A new stream; None where nobody wants it any more."""
        if self.closed:
            return None
        # in this order: `close` sets first and looks then
        self._stream = stream = connect()
        if self.closed:
            stream.close()
            return None
        return stream

    def close(self) -> None:
        """Ends the reading, and all that would come."""
        self._closed.set()
        if self._stream:
            self._stream.close()
