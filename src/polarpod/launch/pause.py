"""Waiting that ends early for who is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable

# how late a request to stop is seen
_TICK_SECONDS = 0.2


def pause(seconds: float, stop: Callable[[], bool]) -> None:
    """Returns after so many seconds, or once `stop` says so."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not stop():
        time.sleep(min(left, _TICK_SECONDS))
