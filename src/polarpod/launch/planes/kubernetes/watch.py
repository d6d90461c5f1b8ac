"""What the API server tells of one pod, change by change, across broken connections and servers that are away."""

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

# between two watches: a server that ends every watch at once must not be asked as fast as it can answer
_BETWEEN_SECONDS = 0.2
# how long an API server may be away beyond the end of the run
_OUTAGE_SECONDS = 300.0

# a pod as it is now; None where it is gone; why it cannot be seen any more. Nothing comes after the last two.
News = Json | PolarpodError | None


class Changes:
    """One pod under watch."""

    def __init__(self, cluster: Cluster, pod: Pod, say: Callable[[News], object], *, left: Callable[[], float]) -> None:
        """Args:
        say: is told the news, in the thread that follows them.
        left: seconds until the run must have ended, by its own deadline.
        """
        self._cluster = cluster
        self._pod = pod
        self._say = say
        self._left = left
        self._reading = Reading()
        # since when the API server denies what it has allowed before
        self._denied_at: float | None = None
        self._was_allowed = False

    def follow(self) -> None:
        """Tells every change, until the pod is gone or `close` is called."""
        version = self._pod.version
        try:
            while not self._reading.closed:
                if not self._watch_once(version):
                    return
                # a watch ends for many reasons; what is true now is one request away
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
        """One connection's worth. False where the pod is gone, or nobody watches any more."""
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
            # what is no object of the API's is a word of something in between
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
        """The pod as it is now, however long the API server is away while the run may still go on."""
        look = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: not self._reading.closed and self._passes(error)),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
            stop=tenacity.stop_after_delay(max(self._left(), 0) + _OUTAGE_SECONDS),
            reraise=True,
        )
        found: Json | None = look(self._cluster.pod, self._pod.name)
        return found

    def _passes(self, error: BaseException) -> bool:
        """Whether an error may be over in a moment: an API server that is away, busy or starting."""
        category = error.verdict.category if isinstance(error, PolarpodError) else None
        if category is Category.PLANE_DENIED and self._was_allowed:
            self._denied_at = self._denied_at or time.monotonic()
            return time.monotonic() < self._denied_at + START_SECONDS
        return category is Category.PLANE_UNREACHABLE


def change_of(line: bytes) -> dict[str, Any]:
    """One line of a watch. "ERROR" is the server's own word for one that has to begin anew: 410, its version is too old."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any]) if line.strip() else {}
    except ValueError:  # something in between cut it, or said a word of its own
        return {"type": "ERROR"}
