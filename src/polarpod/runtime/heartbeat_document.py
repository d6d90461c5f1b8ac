"""Writes the heartbeat document: rarely, in the background and best effort.

The supervisor's loop samples memory and enforces the deadline, so a slow or unreachable store must not block it: each write
runs in its own thread, at most one at a time, which is never joined.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from polarpod.contract.message import EVERY_SECONDS, FIRST_SECONDS, Message, encode


class HeartbeatDocument:
    """The heartbeat document of one attempt."""

    def __init__(self, write: Callable[[bytes], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Args:
        write: stores the document; its exceptions are ignored.
        """
        self._write = write
        self._clock = clock
        self._due = clock() + FIRST_SECONDS
        self._writing: threading.Thread | None = None

    def show(self, message: Message) -> None:
        """Starts writing a message where one is due. Returns immediately and never raises."""
        now = self._clock()
        if now < self._due or (self._writing and self._writing.is_alive()):
            return
        self._due = now + EVERY_SECONDS
        # A daemon thread: the interpreter does not wait for the store at exit.
        self._writing = threading.Thread(target=self._try, args=(encode(message),), daemon=True)
        with suppress(RuntimeError):  # at the container's thread limit this message is skipped
            self._writing.start()

    def _try(self, data: bytes) -> None:
        with suppress(Exception):
            self._write(data)
