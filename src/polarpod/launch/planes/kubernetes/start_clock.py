"""The part of a pod's age that does not count towards its start timeout, as far as one caller knows."""

from __future__ import annotations

import time
from collections.abc import Callable

from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.scheduling import in_queue


class StartClock:
    """Counts the seconds that are exempt from a pod's start timeout: those in a queue, and those before the first look.

    A pod does not record when it left a queue. A launcher that attaches, or a trigger that was moved to another process, has
    not observed the queue, so the pod's timeout begins with the first look.

    Args:
        age: the pod's age at the first look, in seconds.
        now: a monotonic clock, in seconds.
    """

    def __init__(self, age: float, now: Callable[[], float] = time.monotonic) -> None:
        self._unseen = max(0.0, age)
        self._seconds = 0.0
        self._now = now
        self._queued_at: float | None = None

    def look(self, status: Status) -> float:
        """Records the pod's current status. Returns the seconds that do not count."""
        now = self._now()
        if self._queued_at is not None:
            self._seconds += now - self._queued_at
        self._queued_at = now if in_queue(status) else None
        # a pod that was in a queue has this condition, set by the scheduler, and keeps it
        return self._seconds + (self._unseen if "PodScheduled" in status.conditions else 0.0)
