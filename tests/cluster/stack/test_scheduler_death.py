"""A scheduler that dies, with all of its tasks in it: the pods go on, and whoever comes next finds them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from polars.testing import assert_frame_equal
from tests.cluster.faults.node import Node
from tests.cluster.stack.flight_oracle import FlightOracle, published
from tests.cluster.stack.local_stack import TABLES, WORKERS, Stack, until
from tools.stack.names import NAMESPACE

from polarpod.contract import labels
from polarpod.launch.attempt_end import is_over
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.planes.kubernetes.status import Status

SCHEDULER = "airflow-scheduler-0"


def deleted(stack: Stack) -> None:
    """As `kubectl delete --grace-period=0 --force`. The kubelet is politer: it lets the tasks end, for a minute."""
    stack.api.delete_namespaced_pod(SCHEDULER, NAMESPACE, grace_period_seconds=0)


def killed(stack: Stack) -> None:
    """All processes at once, from outside: Airflow learns of it from a heartbeat that does not come."""
    assert Node().kill_container(SCHEDULER, NAMESPACE)


@pytest.mark.parametrize(
    "end",
    [pytest.param(deleted, id="deleted by force", marks=pytest.mark.thorough), pytest.param(killed, id="killed")],
)
def test_a_run_outlives_its_scheduler(stack: Stack, oracle: FlightOracle, end: Callable[[Stack], None]) -> None:
    days = stack.new_days(3)
    run = stack.trigger(days)
    pod = stack.running_worker("clean_flights")
    scheduler = _incarnation(stack)
    end(stack)

    assert stack.succeeds(run)

    assert _incarnation(stack) != scheduler
    if end is killed:
        # the tasks died with it and were taken up again, without retries of their own
        assert max(task["try_number"] for task in stack.tasks(run)) == 2
    for job in TABLES:
        for day in days:
            committed = [info for info in stack.attempts(job, day) if info.receipt and info.receipt.published]
            assert len(committed) == 1, f"{job} of {day}, killed while {pod} ran: {committed}"
            assert committed[0].receipt.published.adopted_from is None
        assert_frame_equal(published(stack, job, days), oracle.expected(job, days))
    # its owner takes a pod away, or else the sweep does: of attempts that are over
    until(lambda: not _owned_by_nobody(stack), "no pod was left that no sweep would find")


def _incarnation(stack: Stack) -> str:
    (scheduler,) = stack.api.read_namespaced_pod(SCHEDULER, NAMESPACE).status.container_statuses
    return str(scheduler.container_id)


def _owned_by_nobody(stack: Stack) -> list[str]:
    known, now = KnownAttempts(stack.state), dt.datetime.now(dt.UTC)
    found = []
    for pod in stack.pods(WORKERS):
        status, info = Status(pod=pod), known.get(pod["metadata"]["labels"].get(labels.ATTEMPT_UID, ""))
        if not (status.deleting or (info and is_over(info, now) and status.over)):
            found.append(pod["metadata"]["name"])
    return found
