"""The end of a worker on this machine, kept beside its scratch directory until its verdict is recorded.

A pod keeps the evidence of its end by itself. A process leaves it to its parent alone: without this note an out-of-memory
kill would be lost with a launcher that dies before the record, and the next attempt would get no more memory.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from polarpod.contract.codec import decoder, encode
from polarpod.contract.message import Message
from polarpod.launch.planes.process.diagnose import Exit


class ExitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One end: the exit, and the last message where there is one."""

    exit: Exit
    message: Message | None = None
    protocol: str = "1.0"


def keep(path: Path, note: ExitRecord) -> None:
    """Writes a note. Never raises: the note is only needed where this launcher dies before the verdict is recorded."""
    spare = path.with_name(f"{path.name}.next")
    with suppress(OSError):
        spare.touch(mode=0o600)
        spare.write_bytes(encode(note))
        spare.replace(path)


def find(path: Path) -> ExitRecord | None:
    """The note, or None where there is no readable one."""
    try:
        return decoder(ExitRecord).decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def remove(path: Path) -> None:
    """Removes the note once the verdict is recorded. Never raises."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
