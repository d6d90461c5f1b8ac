"""The exceptions of an exception group, whose own message only states their number."""

from __future__ import annotations

from collections.abc import Iterator

from polarpod.runtime.failure.frames import user_frames
from polarpod.runtime.failure.text import essence, line

# The most exceptions of a group in the evidence, each with its message and the line that raised it.
_MOST = 5


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yields the exceptions of a group and of its nested groups; the exception itself where it is not a group."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        yield error


def members(error: BaseException) -> list[str]:
    """Returns the exceptions of a group as evidence; an empty list for any other exception."""
    if not isinstance(error, BaseExceptionGroup):
        return []
    found = list(leaves(error))
    told: list[str] = []
    for number, each in enumerate(found[:_MOST], 1):
        told.append(line(f"{number} of {len(found)}: {essence(each)[0]}"))
        told += [line(f"{number} of {len(found)}: {frame}") for frame in user_frames(each)[-1:]]
    return told
