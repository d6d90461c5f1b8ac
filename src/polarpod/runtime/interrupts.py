"""Whether somebody has interrupted this process. The exception alone does not tell: a job can raise KeyboardInterrupt, and
then nobody asked it to stop, and the next attempt would raise it again."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

_came = False


def listen() -> None:
    """Lets SIGINT raise KeyboardInterrupt, and notes that it came."""
    signal.signal(signal.SIGINT, _note)


def ignore() -> None:
    """From here on no SIGINT does anything."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # Polars raised it at the signal; Python raises it once more, a moment later
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def came() -> bool:
    """Whether a SIGINT was heard by now."""
    return _came


def _note(_number: int, _frame: FrameType | None) -> NoReturn:
    global _came  # noqa: PLW0603  # a signal's handler has no other place
    _came = True
    raise KeyboardInterrupt
