"""Whether this process received an interrupt. The exception alone is not proof: a job can raise KeyboardInterrupt itself,
without a stop request, and would raise it again in the next attempt."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

_came = False


def listen() -> None:
    """Makes SIGINT raise KeyboardInterrupt and records its arrival."""
    signal.signal(signal.SIGINT, _note)


def ignore() -> None:
    """Ignores SIGINT from now on."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # Polars has raised it for the signal; Python raises it a second time, slightly later
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def came() -> bool:
    """Whether a SIGINT has arrived so far."""
    return _came


def _note(_number: int, _frame: FrameType | None) -> NoReturn:
    global _came  # noqa: PLW0603  # a signal handler has no other place for state
    _came = True
    raise KeyboardInterrupt
