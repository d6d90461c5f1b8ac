"""What is in an exception group: its own words only say how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from polarpod.runtime.failure.frames import user_frames
from polarpod.runtime.failure.text import essence, line

# each with its words and the line that raised it
_MOST = 5


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group, and of the groups in it; the exception itself where it is no group."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def members(error: BaseException) -> list[str]:
    """The exceptions of a group as evidence; nothing of any other."""
    if not isinstance(error, BaseExceptionGroup):
        return []
    found = list(leaves(error))
    told: list[str] = []
    for number, each in enumerate(found[:_MOST], 1):
        told.append(line(f"{number} of {len(found)}: {essence(each)[0]}"))
        told += [line(f"{number} of {len(found)}: {frame}") for frame in user_frames(each)[-1:]]
    return told
