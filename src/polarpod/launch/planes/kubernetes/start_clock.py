"""What of a pod's age is not time to start, as far as one caller knows."""

from __future__ import annotations

import time
from collections.abc import Callable

from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.scheduling import in_queue


class StartClock:
    """Counts the seconds that a pod's start is not charged with: those in a queue, and those before anybody looked.

    A pod that a queue has let in does not tell when. A launcher that attaches, or a trigger that was moved to another
    process, has not seen it wait, so the pod's allowance begins with the first look.

    Args:
        age: of the pod at the first look, in seconds.
        now: a clock that only goes forward.
    """

    def __init__(self, age: float, now: Callable[[], float] = time.monotonic) -> None:
        self._unseen = max(0.0, age)
        self._seconds = 0.0
        self._now = now
        self._queued_at: float | None = None

    def look(self, status: Status) -> float:
        """Takes note of the pod as it is now. Returns the seconds that do not count."""
        now = self._now()
        if self._queued_at is not None:
            self._seconds += now - self._queued_at
        self._queued_at = now if in_queue(status) else None
        # of a pod that was in a queue the scheduler has said so, in a condition that stays
        return self._seconds + (self._unseen if "PodScheduled" in status.conditions else 0.0)
