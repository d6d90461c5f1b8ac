"""A running worker's heartbeats, as its launcher or another process reads them from the state store."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable

from polarpod.contract.message import EVERY_SECONDS, FIRST_SECONDS, Message
from polarpod.contract.verdict import PolarpodError

# a worker's clock starts shortly after its launcher sees it run; a read before its first heartbeat finds nothing
BEHIND_SECONDS = 3.0
# the worker of an older one is not alive: three are missing, and clocks may differ
FRESH = dt.timedelta(seconds=3 * EVERY_SECONDS + 15)


class Heartbeats:
    """The heartbeats of one attempt, for a caller that must not wait for a store.

    Each read is a thread of its own, at most one at a time, as often as a new heartbeat may exist: 360 requests an hour.
    """

    def __init__(self, read: Callable[[], Message | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._due: float | None = None
        self._reading: threading.Thread | None = None
        self._found: Message | None = None
        self._told: Message | None = None

    def new(self) -> Message | None:
        """The newest heartbeat; None where it was returned before. Polled while a worker runs; returns at once."""
        now = self._clock()
        if self._due is None:
            self._due = now + FIRST_SECONDS + BEHIND_SECONDS
        if now >= self._due and not (self._reading and self._reading.is_alive()):
            self._due = now + EVERY_SECONDS
            self._reading = threading.Thread(target=self._look, daemon=True)
            self._reading.start()
        found = self._found
        if found is None or found == self._told:
            return None
        self._told = found
        return found

    def _look(self) -> None:
        try:
            self._found = self._read() or self._found
        except PolarpodError:
            return  # the store's outage is reported by the calls that depend on it


def is_fresh(message: Message, now: dt.datetime) -> bool:
    """Whether the worker that wrote this is most likely alive."""
    return message.at is not None and now - message.at < FRESH
