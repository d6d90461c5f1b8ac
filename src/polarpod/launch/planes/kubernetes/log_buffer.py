"""The buffer between the threads that read of a pod and the one that decides: its statuses, and the lines of its log.

A job can print faster than its launcher's caller shows lines. The buffer of lines is bounded: while it is full the reading
thread waits, the connection stalls, and the log stays with the kubelet. A status never waits behind lines.
"""

from __future__ import annotations

import threading
from collections import deque

from polarpod.launch.planes.kubernetes.watch import News
from polarpod.launch.worker import LOG_TAIL_BYTES

# a few seconds of lines for a slow log handler; two connections' buffers hold as much again
_MOST_BYTES = 1024 * 1024


class Tail:
    """The bounded end of a log. One thread writes it, and another may read it at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._size = 0

    def add(self, line: bytes) -> None:
        with self._lock:
            self._lines.append(line)
            self._size += len(line) + 1
            while self._size > LOG_TAIL_BYTES and len(self._lines) > 1:
                self._size -= len(self._lines.popleft()) + 1

    def bytes(self) -> bytes:
        with self._lock:
            return b"".join(line + b"\n" for line in self._lines)


class Inbox:
    """The buffer of one reader. `tail` has the end of the log as it was read, shown or not.

    Attributes:
        left_out: the count of lines that were read and not shown, for lack of time.
    """

    def __init__(self, *, most_bytes: int = _MOST_BYTES) -> None:
        self.tail = Tail()
        self.left_out = 0
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._news: deque[News] = deque()
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._in_a_hurry = False

    def put_news(self, news: News) -> None:
        with self._changed:
            self._news.append(news)
            self._changed.notify_all()

    def put_line(self, line: bytes) -> None:
        """Adds a line, waiting for room. After `hurry`, the line is only counted and added to the tail."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_a_hurry or not self._lines or self._has_room(line))
            self.tail.add(line)
            if self._in_a_hurry:
                self.left_out += 1
                return
            self._lines.append(line)
            self._size += len(line)
            self._changed.notify_all()

    def hurry(self) -> None:
        """From this call on, no line waits."""
        with self._changed:
            self._in_a_hurry = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Returns when there is news or a line, at the latest after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._news or self._lines, timeout=seconds)

    def news(self) -> list[News]:
        """The news since the last call."""
        with self._changed:
            news = list(self._news)
            self._news.clear()
            return news

    def lines(self) -> list[bytes]:
        """The lines since the last call."""
        with self._changed:
            lines = list(self._lines)
            self._lines.clear()
            self._size = 0
            self._changed.notify_all()
            return lines

    def _has_room(self, line: bytes) -> bool:
        return self._size + len(line) <= self._most_bytes
