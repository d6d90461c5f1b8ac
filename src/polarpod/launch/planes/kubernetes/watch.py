"""The changes of one pod, across broken connections and outages of the API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import tenacity

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.planes.kubernetes.status import Json
from polarpod.launch.planes.kubernetes.stream import Reading
from polarpod.launch.planes.kubernetes.verdicts.refusals import START_SECONDS

# between two watches: a server that ends every watch at once must not be called as fast as it can answer
_BETWEEN_SECONDS = 0.2
# how long an API server may be unreachable beyond the end of the run
_OUTAGE_SECONDS = 300.0

# the current pod; None where it is gone; the error why it can no longer be observed. Nothing follows the last two.
News = Json | PolarpodError | None


class Changes:
    """Watches one pod."""

    def __init__(self, cluster: Cluster, pod: Pod, say: Callable[[News], object], *, left: Callable[[], float]) -> None:
        """Args:
        say: called with each item of news, in the thread that runs `follow`.
        left: seconds until the run must have ended, by its own deadline.
        """
        self._cluster = cluster
        self._pod = pod
        self._say = say
        self._left = left
        self._reading = Reading()
        # since when the API server denies what it allowed before, by the monotonic clock
        self._denied_at: float | None = None
        self._was_allowed = False

    def follow(self) -> None:
        """Reports every change, until the pod is gone or `close` is called."""
        version = self._pod.version
        try:
            while not self._reading.closed:
                if not self._watch_once(version):
                    return
                # a watch ends for many reasons; one request reads the current state
                self._reading.wait(_BETWEEN_SECONDS)
                seen = self._look()
                if seen is None or seen["metadata"]["uid"] != self._pod.uid:
                    self._say(None)
                    return
                self._say(seen)
                version = str(seen["metadata"]["resourceVersion"])
        except PolarpodError as error:
            self._say(error)

    def close(self) -> None:
        self._reading.close()

    def _watch_once(self, version: str) -> bool:
        """Reads one connection. Returns False where the pod is gone, or this is closed."""
        try:
            stream = self._reading.open(lambda: self._cluster.watch(self._pod.name, version))
        except PolarpodError as error:
            if not self._passes(error):
                raise
            return not self._reading.closed
        if stream is None:
            return False
        self._was_allowed, self._denied_at = True, None
        for line in stream:
            event = change_of(line)
            seen = event.get("object")
            # a line that is no object of the API comes from an intermediary
            if event.get("type") == "ERROR" or not isinstance(seen, dict):
                break
            if (seen.get("metadata") or {}).get("uid") != self._pod.uid:
                continue
            self._say(seen)
            if event.get("type") == "DELETED":
                self._say(None)
                return False
        return not self._reading.closed

    def _look(self) -> Json | None:
        """The current pod, or None; retried through an outage until _OUTAGE_SECONDS after the run's latest end."""
        look = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: not self._reading.closed and self._passes(error)),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
            stop=tenacity.stop_after_delay(max(self._left(), 0) + _OUTAGE_SECONDS),
            reraise=True,
        )
        found: Json | None = look(self._cluster.pod, self._pod.name)
        return found

    def _passes(self, error: BaseException) -> bool:
        """Whether an error may be transient: an API server that is unreachable, busy or starting."""
        category = error.verdict.category if isinstance(error, PolarpodError) else None
        if category is Category.PLANE_DENIED and self._was_allowed:
            self._denied_at = self._denied_at or time.monotonic()
            return time.monotonic() < self._denied_at + START_SECONDS
        return category is Category.PLANE_UNREACHABLE


def change_of(line: bytes) -> dict[str, Any]:
    """The event in one line of a watch. The server sends "ERROR" where a watch must restart: 410, its version is too old."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any]) if line.strip() else {}
    except ValueError:  # an intermediary truncated it, or sent a text of its own
        return {"type": "ERROR"}
