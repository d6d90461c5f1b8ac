"""`helm upgrade` of a stack that has been used, and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.cluster.stack.conftest import Run
from tests.cluster.stack.local_stack import DAG, Stack, secrets_of, unready, until
from tools.stack.names import CHART, RELEASE
from tools.stack.release import helm, pack

# Without volumes of their own, PostgreSQL and the store must not be restarted: nothing here is in their pods. Workers that
# say something, since the repository's own jobs are silent.
CHANGED = (
    "airflow.config.AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE=True",
    "polarpod.plane.environment.POLARS_VERBOSE=1",
)


class Before(dict[str, object]):
    """What a stack was, by name."""


def memory_of(stack: Stack) -> Before:
    return Before(
        secrets=secrets_of(),
        runs={run["dag_run_id"]: run["state"] for run in stack.rest.runs(DAG)},
        data={pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in stack.pods() if _holds_data(pod)},
    )


def _holds_data(pod: dict[str, object]) -> bool:
    return pod["metadata"]["labels"].get("app.kubernetes.io/component") in ("postgres", "s3")


@pytest.fixture(scope="module")
def before(stack: Stack, february: Run) -> Before:
    return memory_of(stack)


@pytest.fixture(scope="module", autouse=True)
def upgraded(stack: Stack, before: Before) -> Iterator[None]:
    """The changed stack; after the tests it is again what it was."""
    revision = json.loads(helm("status", RELEASE, "-o", "json"))["version"]
    changes = [word for change in CHANGED for word in ("--set-string", change)]
    wait = ("--wait", "--timeout", "10m")
    pack()
    try:
        helm("upgrade", RELEASE, CHART, "--reset-then-reuse-values", *wait, *changes)
        yield
    finally:
        helm("rollback", RELEASE, revision, *wait)
    assert memory_of(stack)["secrets"] == before["secrets"]


def test_secrets_are_kept(before: Before) -> None:
    after = secrets_of()
    assert {"airflow-keys", "airflow-sign-in", "polarpod-s3", "source-database"} <= after.keys()
    assert after == before["secrets"]


def test_what_holds_data_is_not_restarted(stack: Stack, before: Before) -> None:
    assert memory_of(stack)["data"] == before["data"]


def test_the_history_is_kept(stack: Stack, before: Before, february: Run) -> None:
    runs = before["runs"]
    assert isinstance(runs, dict)
    assert runs[february.id] == "success"
    after = {run["dag_run_id"]: run["state"] for run in stack.rest.runs(DAG)}
    assert runs.items() <= after.items()


def test_every_pod_is_ready(stack: Stack) -> None:
    # Helm has waited for the new ones, and the old ones take their grace period to go
    until(lambda: not unready(stack.pods()), "all pods were ready", seconds=90)


def test_a_run_is_green_and_its_tasks_have_waited_in_the_triggerer(stack: Stack) -> None:
    run = stack.trigger(stack.new_days(1))
    assert stack.succeeds(run)
    for task in stack.tasks(run):
        told = stack.log(task)
        assert any(event.startswith("Pausing task as DEFERRED") for event in told), told
        assert stack.rest.xcom(task)["attempts"] == 1


def test_what_a_worker_says_is_in_the_log_of_its_task(stack: Stack) -> None:
    run = stack.trigger(stack.new_days(1))
    assert stack.succeeds(run)
    for task in stack.tasks(run):
        told = stack.log(task)
        assert [event for event in told if event.startswith("| ")], told
