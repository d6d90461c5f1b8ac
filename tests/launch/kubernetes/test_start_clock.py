"""Time in a queue is no time to start, whoever looks, and whenever they began to."""

from __future__ import annotations

from typing import Any

from polarpod.launch.planes.kubernetes.start_clock import StartClock
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.start_timeout import patience

TIMEOUT = 600


def pod(reason: str) -> dict[str, Any]:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": reason, "lastTransitionTime": "2026-11-28T00:00:00Z"}
    return {
        "metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-11-28T00:00:00Z"},
        "spec": {"containers": [{"name": "worker"}]},
        "status": {"phase": "Pending", "conditions": [scheduled]},
    }


GATED, WAITING = pod("SchedulingGated"), pod("Unschedulable")


class Looker:
    """A launcher or a trigger that begins to look when the pod has this age."""

    def __init__(self, age: float) -> None:
        self.age = age
        self._clock = StartClock(age, now=lambda: self.age)

    def gives_up(self, seen: dict[str, Any], *, after: float) -> bool:
        self.age += after
        status = Status(pod=seen, seconds=self.age)
        return patience(status, start_timeout_seconds=TIMEOUT, queued_seconds=self._clock.look(status)) is not None


def test_one_that_saw_the_pod_wait_in_a_queue_gives_it_the_whole_time_afterwards() -> None:
    looker = Looker(0)
    assert not looker.gives_up(GATED, after=1)
    assert not looker.gives_up(GATED, after=1200)
    assert not looker.gives_up(WAITING, after=1)
    assert not looker.gives_up(WAITING, after=TIMEOUT - 2)
    assert looker.gives_up(WAITING, after=3)


def test_one_that_comes_after_the_queue_gives_it_the_whole_time_too() -> None:
    looker = Looker(1202)
    assert not looker.gives_up(WAITING, after=0)
    assert not looker.gives_up(WAITING, after=TIMEOUT - 1)
    assert looker.gives_up(WAITING, after=1)


def test_a_pod_that_no_scheduler_has_ever_looked_at_was_in_no_queue() -> None:
    unseen = {**WAITING, "status": {"phase": "Pending"}}
    assert Looker(1202).gives_up(unseen, after=0)
    assert not Looker(500).gives_up(unseen, after=0)


def test_without_a_queue_the_time_is_over_when_it_is_over() -> None:
    looker = Looker(0)
    assert not looker.gives_up(WAITING, after=TIMEOUT - 1)
    assert looker.gives_up(WAITING, after=1)


def test_a_pod_that_goes_back_into_a_queue_waits_there_at_no_cost() -> None:
    looker = Looker(0)
    assert not looker.gives_up(WAITING, after=300)
    assert not looker.gives_up(GATED, after=100)
    assert not looker.gives_up(GATED, after=5000)
    assert not looker.gives_up(WAITING, after=1)
    assert not looker.gives_up(WAITING, after=199)
    assert looker.gives_up(WAITING, after=1)
