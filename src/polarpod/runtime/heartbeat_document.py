"""Writes the heartbeat's document: seldom, in the background, and as well as it can.

The supervisor's own loop samples memory and holds the deadline, so a store that is slow or away must not stop it: each
write is a thread of its own, at most one at a time, that nobody waits for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from polarpod.contract.message import EVERY_SECONDS, FIRST_SECONDS, Message, encode


class HeartbeatDocument:
    """One attempt's."""

    def __init__(self, write: Callable[[bytes], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Args:
        write: puts the document where it belongs; whatever it raises is nobody's business.
        """
        self._write = write
        self._clock = clock
        self._due = clock() + FIRST_SECONDS
        self._writing: threading.Thread | None = None

    def show(self, message: Message) -> None:
        """Writes a message, where one is due. Returns at once, and never raises."""
        now = self._clock()
        if now < self._due or (self._writing and self._writing.is_alive()):
            return
        self._due = now + EVERY_SECONDS
        # a daemon: the interpreter does not wait for a store
        self._writing = threading.Thread(target=self._try, args=(encode(message),), daemon=True)
        with suppress(RuntimeError):  # the container may start no more threads; the next one may
            self._writing.start()

    def _try(self, data: bytes) -> None:
        with suppress(Exception):
            self._write(data)
