"""What the process around an attempt does at two of its moments; a test's process does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


def _nothing() -> None:
    pass


class Host(NamedTuple):
    """The process that an attempt runs in.

    Attributes:
        before_transform: called right before the first line of the job's own code.
        unstoppable: called before the commit and before a verdict is made; no interrupt may arrive afterwards.
    """

    before_transform: Callable[[], None] = _nothing
    unstoppable: Callable[[], None] = _nothing
