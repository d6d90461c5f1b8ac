"""Hooks of the process that runs an attempt, at two points of it; the defaults, for tests, do nothing."""

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
