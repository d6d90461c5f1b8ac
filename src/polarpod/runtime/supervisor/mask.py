"""Masks credentials in a stream of output: releases whole lines, without text that is or looks like a credential.

A pipe delivers arbitrary chunks, and a credential may span two of them. So a line is held until it is complete, and so are
lines that may begin a known value of several lines. Both are bounded: a line that is too long is released in parts, and a
known value has a fixed length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from polarpod.contract.redact import Redactor

# The longest line that launchers show.
LONGEST_LINE_BYTES = 64 * 1024
# Upper bounds, in bytes: of a credential without blanks, and of the first line of a private key.
_LONGEST_WORD = 4096
_LONGEST_EDGE = 100


class Mask:
    """The mask of one stream. All bytes outside credentials pass unchanged."""

    def __init__(self, values: Sequence[str]) -> None:
        """Args:
        values: known secrets, which are hidden whatever their form.
        """
        self._redactor = Redactor(values)
        self._values = [value.encode(errors="surrogateescape") for value in values]
        self._values_of_lines = [value for value in self._values if b"\n" in value]
        self._held = b""

    def take(self, data: bytes) -> bytes:
        """Appends a chunk of the stream. Returns the bytes that may be shown so far."""
        self._held += data
        end = self._held.rfind(b"\n") + 1
        if len(self._held) - end > LONGEST_LINE_BYTES:
            cut = end + _cut_of(self._held[end:])
            return self._shown(_begin_of_secret(self._held[:cut], self._values))
        if end and self._values_of_lines:
            begin = _begin_of_secret(self._held[:end], self._values_of_lines)
            if begin < end:
                end = self._held.rfind(b"\n", 0, begin) + 1
        return self._shown(end)

    def end(self) -> bytes:
        """Ends the stream. Returns the held bytes, masked."""
        return self._shown(len(self._held))

    def _shown(self, end: int) -> bytes:
        piece, self._held = self._held[:end], self._held[end:]
        if not piece:
            return b""
        # Bytes that are not UTF-8 survive this round trip unchanged.
        return self._redactor.redact(piece.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def _begin_of_secret(text: bytes, values: Iterable[bytes]) -> int:
    """Returns the offset at which a known value may begin that the end of the text cuts; else the text's length."""
    found = len(text)
    for value in values:
        at = text.find(value[:1], max(0, len(text) - len(value) + 1))
        while 0 <= at < found:
            if value.startswith(text[at:]):
                found = at
                break
            at = text.find(value[:1], at + 1)
    return found


def _cut_of(line: bytes) -> int:
    """Returns the offset at which an overlong line is cut: before a word, since half a credential may not look like one, and
    before a possible beginning of a private key."""
    near = max(1, len(line) - _LONGEST_EDGE)
    dashes = line.find(b"----", near)
    if dashes < 0 and line.endswith(b"-"):
        dashes = max(near, len(line.rstrip(b"-")))
    if dashes >= 0:
        return dashes - 1 if line[dashes - 1 : dashes] == b"-" else dashes
    blank = line.rfind(b" ", max(1, len(line) - _LONGEST_WORD))
    return blank if blank > 0 else len(line)
