"""What of a printed stream may be shown, and when: whole lines, without what is or looks like a credential.

A stream comes in whatever pieces a pipe hands out, and a credential may begin in one and end in another. So a line is held
until its end is there, and so are lines that may be the first ones of a known value of several lines. Neither grows without
end: a line that is too long is shown in parts, and a known value has a length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from polarpod.contract.redact import Redactor

# as long as launchers show a line
LONGEST_LINE_BYTES = 64 * 1024
# a credential is shorter than the first where it has no blanks, and the line that a private key begins with than the second
_LONGEST_WORD = 4096
_LONGEST_EDGE = 100


class Mask:
    """One stream's. Whatever is no credential comes out byte by byte as it went in."""

    def __init__(self, values: Sequence[str]) -> None:
        """Args:
        values: secrets that are known, and are hidden whatever they look like.
        """
        self._redactor = Redactor(values)
        self._values = [value.encode(errors="surrogateescape") for value in values]
        self._values_of_lines = [value for value in self._values if b"\n" in value]
        self._held = b""

    def take(self, data: bytes) -> bytes:
        """Takes more of the stream. Returns what may be shown by now."""
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
        """The stream has ended. Returns what was held."""
        return self._shown(len(self._held))

    def _shown(self, end: int) -> bytes:
        piece, self._held = self._held[:end], self._held[end:]
        if not piece:
            return b""
        # bytes that are no text come out of this as they went in
        return self._redactor.redact(piece.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def _begin_of_secret(text: bytes, values: Iterable[bytes]) -> int:
    """Where a known value may have begun that the text ends in the middle of; else the text's end."""
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
