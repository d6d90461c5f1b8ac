"""Lines of an answer that has no end of its own: a watch, a log."""

from __future__ import annotations

from collections.abc import Iterator
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
        try:
            for chunk in self._response.stream(None, decode_content=False):
                *lines, rest = chunk.split(b"\n")
                for line in lines:
                    self._keep(line)
                    yield self.rest
                    self._pieces, self._size = [], 0
                self._keep(rest)
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
