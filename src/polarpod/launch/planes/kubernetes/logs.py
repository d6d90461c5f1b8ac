"""A container's log as it grows: each line once, across broken connections, and without credentials.

The kubelet puts a timestamp in front of each line; after a break the log is requested again from a little earlier, and lines
that are not newer than the last one are dropped. (Counting seconds alone makes other tools print lines twice.)
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable

from polarpod.contract.redact import Redactor
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.planes.kubernetes.api_errors import Refused
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.status import WORKER
from polarpod.launch.planes.kubernetes.stream import Reading
from polarpod.launch.planes.kubernetes.verdicts.sanitize import moment
from polarpod.launch.worker import redacted

# before the log is requested again: the API server is unreachable, or the container's end is not known yet
_AGAIN_SECONDS = 1.0
# tolerated difference between two machines' clocks
_SKEW_SECONDS = 5


class LogFollower:
    """Reads one container's log in the caller's thread, and passes its lines to `on_line`."""

    def __init__(
        self,
        cluster: Cluster,
        pod: str,
        on_line: Callable[[bytes], object],
        *,
        tail_lines: int | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """Args:
        tail_lines: start so many lines before the log's end; at its beginning by default.
        """
        self._cluster = cluster
        self._pod = pod
        self._on_line = on_line
        self._tail_lines = tail_lines
        self._reading = Reading()
        self._redactor = Redactor()
        self._now = now
        self._newest = b""
        self._last_read = time.monotonic()
        # the text after the last line end: the log's last line, or half a line that is read again
        self._rest = b""
        self._cut = False

    def follow(self, over: threading.Event) -> None:
        """Reads until the container has ended and its log is complete. Never raises.

        Args:
            over: set when the container is known to have ended. The end of a stream alone may be a broken connection.
        """
        while not self._read(over) and not self._reading.closed:
            # a stream that broke has more lines, even when its container has ended
            if over.wait(_AGAIN_SECONDS) and not self._cut:
                break
        self._take([self._rest])

    def close(self) -> None:
        self._reading.close()

    def _read(self, over: threading.Event) -> bool:
        """Reads one connection. Returns True where no further one is of use."""
        before, was_over, self._cut = self._newest, over.is_set(), False
        since = int(self._seconds_since_newest()) + _SKEW_SECONDS if self._newest else None
        try:
            tail = None if self._newest else self._tail_lines
            stream = self._reading.open(lambda: self._cluster.log(self._pod, WORKER, since_seconds=since, tail_lines=tail))
        except Refused as error:
            if error.refusal.code == 403:
                self._on_line(b"(polarpod: this log cannot be shown: the launcher may not get pods/log in this namespace)")
            # 404: the pod is gone, and its log with it; anything else (400: not started) may be transient
            return error.refusal.code in (403, 404)
        except PolarpodError:
            return False
        if stream is None:
            return True
        for lines in stream.batches():
            self._take(lines)
        self._rest = stream.rest or self._rest
        # a server that makes no progress is not retried forever
        self._cut = stream.broken and (self._newest != before or not was_over)
        return False

    def _seconds_since_newest(self) -> float:
        """The newest line's age in seconds: a launcher that attaches late reads lines that are old already."""
        at = moment(self._newest.decode(errors="replace"))
        return max(time.monotonic() - self._last_read, (self._now() - at).total_seconds() if at else 0.0)

    def _take(self, lines: list[bytes]) -> None:
        """Passes on the new ones of these lines. They are redacted together: a value may be on the line after its name, and
        each redaction has a fixed cost."""
        self._last_read = time.monotonic()
        new = []
        for line in lines:
            stamp, space, text = line.partition(b" ")
            if space and stamp > self._newest:
                self._newest = stamp
                new.append(text)
        if new:
            for line in redacted(b"\n".join(new), self._redactor).split(b"\n"):
                self._on_line(line)
