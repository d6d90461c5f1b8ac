"""A task that Airflow stops takes its pod with it; one that only dies does not, and the next try goes on with it."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from airflow.triggers.base import BaseTrigger
from tests.airflow.shop import ROOT
from tests.airflow.tasks import Deferral, End, a_dag, first_event, run_deferrable, run_task
from tests.cluster.airflow.yard import DAY, Yard

from polarpod.airflow import run_job
from polarpod.airflow.exceptions import AirflowException
from polarpod.contract.verdict import Category

TELLS_KILLS = hasattr(BaseTrigger, "on_kill")
RUN_ID = "manual__2013-02-01"
# a task in a process of its own, as on a worker
RUN = """
import sys
from tests.airflow import environment
from tests.airflow.tasks import run_task
from tests.cluster.airflow.test_stopping_pods import task
run_task(task("some seconds", planes_file=sys.argv[1], release_file=sys.argv[2]))
"""


def task(ending: str = "slow", **kwargs: Any) -> Any:
    with a_dag():
        return run_job("tolls", plane="kind", params={"ds": DAY, "ending": ending}, **({"retries": 2} | kwargs))


def deferred(ending: str = "slow", **kwargs: Any) -> tuple[Any, Deferral]:
    """A task whose pod is the triggerer's to wait for."""
    made = task(ending, deferrable=True, **kwargs)
    end = run_task(made)
    assert end.deferral is not None, end.text
    return made, end.deferral


def worker_of(yard: Yard) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(yard.planes), str(yard.release)], cwd=ROOT)


def while_running(yard: Yard, act: Callable[[str], None], *, pods: int = 1) -> threading.Thread:
    """Does something to each of so many pods as soon as it runs."""

    def wait() -> None:
        for number in range(pods):
            act(yard.until_running(number + 1))

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_kill_ends_the_pod(yard: Yard) -> None:
    thread = while_running(yard, lambda pod: os.kill(os.getpid(), signal.SIGTERM))
    end = run_task(task())
    thread.join()

    # whoever stopped it has set the state; should it have been the machine's shutdown, the task is tried again
    assert end.state == "up_for_retry"
    assert str(end.error).startswith("interrupted: ")
    assert yard.verdicts == [Category.INTERRUPTED]
    yard.until_gone()


def test_an_execution_timeout_ends_the_pod(yard: Yard) -> None:
    thread = while_running(yard, lambda pod: os.kill(os.getpid(), signal.SIGALRM))
    # the alarm comes when the job works, not when this machine is fast
    end = run_task(task(execution_timeout=dt.timedelta(seconds=90)))
    thread.join()

    assert end.state == "up_for_retry"
    assert type(end.error).__name__ == "AirflowTaskTimeout"
    yard.until_gone()
    (attempt,) = yard.attempts
    assert attempt.context is not None
    assert 80 <= attempt.context.deadline_seconds <= 90


def test_an_execution_timeout_holds_while_nobody_but_the_cluster_watches(yard: Yard) -> None:
    end = run_deferrable(task(deferrable=True, execution_timeout=dt.timedelta(seconds=12)))

    assert end.state == "failed"
    assert str(end.error).startswith("deadline_exceeded: ")
    assert len(yard.pods) == 1
    yard.until_gone()


@pytest.mark.parametrize("deferrable", [pytest.param(False, id="sync"), pytest.param(True, id="deferrable")])
def test_pods_that_somebody_deletes_are_replaced_until_it_is_for_the_tasks_own_retries(
    yard: Yard, *, deferrable: bool
) -> None:
    thread = while_running(yard, yard.delete, pods=3)
    end: End = run_deferrable(task(deferrable=deferrable))
    thread.join()

    assert end.state == "up_for_retry"
    assert type(end.error) is AirflowException
    # a worker that is quick leaves a receipt even then
    assert set(yard.verdicts) <= {Category.WORKER_LOST, Category.INTERRUPTED}
    assert (len(yard.verdicts), len(yard.pods)) == (3, 3)
    assert str(end.error).startswith(f"{yard.verdicts[-1]}: ")


async def end_trigger(trigger: Any, task_id: str, state: str | Exception | None) -> None:
    """As the triggerer does when the task is in that state: before Airflow 3.3 the trigger has to find out itself."""
    known = {"side_effect": state} if isinstance(state, Exception) else {"return_value": {RUN_ID: {task_id: state}}}
    with mock.patch("airflow.sdk.execution_time.task_runner.RuntimeTaskInstance.get_task_states", **known):
        if TELLS_KILLS and state in ("failed", None):
            await trigger.on_kill()
        await trigger.cleanup()


@pytest.mark.parametrize("state", [pytest.param("failed", id="marked failed"), pytest.param(None, id="cleared")])
def test_a_deferred_task_that_somebody_ends_takes_its_pod_with_it(yard: Yard, state: str | None) -> None:
    made, deferral = deferred()
    yard.until_running()
    asyncio.run(end_trigger(deferral.trigger, made.task_id, state))

    yard.until_gone()


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("deferred", id="it is still deferred"),
        pytest.param(OSError("the API server is away"), id="nobody knows"),
    ],
)
def test_a_triggerer_that_restarts_leaves_the_pod(yard: Yard, state: str | Exception) -> None:
    made, deferral = deferred()
    yard.until_running()
    asyncio.run(end_trigger(deferral.trigger, made.task_id, state))

    assert not yard.until(bool)[-1].deleting


def test_a_trigger_that_is_cancelled_and_started_anew_sees_the_same_pod(yard: Yard) -> None:
    made, deferral = deferred("some seconds")

    async def restart() -> Any:
        first = asyncio.create_task(first_event(deferral.trigger))
        await asyncio.to_thread(yard.until_running)
        first.cancel()
        return await first_event(type(deferral.trigger)(**deferral.trigger.serialize()[1]))

    event = asyncio.run(restart())
    end = run_task(made, woken=(deferral, event))

    assert (end.state, len(yard.pods)) == ("success", 1)


@pytest.mark.parametrize("deferrable", [pytest.param(False, id="sync"), pytest.param(True, id="deferrable")])
def test_the_pod_of_a_worker_that_died_is_the_next_tries(yard: Yard, *, deferrable: bool) -> None:
    with worker_of(yard) as worker:
        yard.until_running()
        worker.kill()

    end = run_deferrable(task("some seconds", deferrable=deferrable), try_number=2)

    assert (end.state, end.xcom["attempt"], end.xcom["attempts"]) == ("success", 1, 1)
    assert yard.verdicts == [Category.SUCCEEDED]
    assert len(yard.pods) == 1


def test_the_outcome_that_a_dead_worker_did_not_see_is_found(yard: Yard) -> None:
    with worker_of(yard) as worker:
        pod = yard.until_running()
        worker.kill()
    yard.until(lambda pods: pods[-1].over)
    # as `polarpod gc` does, or a node that is taken away
    yard.delete(pod)
    yard.until_gone()

    end = run_task(task("some seconds"), try_number=2)

    assert (end.state, end.xcom["attempt"]) == ("success", 1)
    assert yard.verdicts == [Category.SUCCEEDED]
    assert len(yard.pods) == 1
