"""A pause that a stop request ends early."""

from __future__ import annotations

import time
from collections.abc import Callable

# the longest delay until a stop request is noticed
_TICK_SECONDS = 0.2


def pause(seconds: float, stop: Callable[[], bool]) -> None:
    """Returns after so many seconds, or once `stop` returns True."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not stop():
        time.sleep(min(left, _TICK_SECONDS))
