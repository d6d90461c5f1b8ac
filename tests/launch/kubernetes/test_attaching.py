"""An attempt without a verdict: who waits for its pod, who starts another, and when a pod is given up that nobody ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.airflow.api_server import NAMESPACE, ApiServer, a_pod, serve
from tests.launch.kubernetes.attempts import CONTEXT, plane

from polarpod.contract import labels
from polarpod.contract.context import Attempt, Context
from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.kubernetes.cluster import connect
from polarpod.launch.kubernetes.pods import PodLauncher
from polarpod.launch.plan import Plan
from polarpod.launch.plane import Plane, ProcessPlane
from polarpod.launch.run import Asked, Begun, Ports, begin
from polarpod.launch.size import Size
from polarpod.launch.state import AttemptInfo, State
from polarpod.launch.worker import LostSight, Watcher
from polarpod.store.fence import Standing

CREATED = "2026-11-21T00:00:00Z"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr("polarpod.launch.kubernetes.watched._TICK_SECONDS", 0.001)
    monkeypatch.setattr("polarpod.launch.kubernetes.changes._BETWEEN_SECONDS", 0.001)
    with serve(tmp_path) as server:
        yield server


def plan_of(unjudged: Context | None, **changes: Any) -> Plan:
    info = unjudged and AttemptInfo(
        CONTEXT.job.name, CONTEXT.run_key, unjudged.attempt.number, unjudged.attempt.uid, unjudged, None, None
    )
    plan = Plan(
        job=CONTEXT.job,
        params=CONTEXT.params,
        run_key=CONTEXT.run_key,
        code_version=CONTEXT.code_version,
        plane=CONTEXT.plane,
        listings={},
        pins={},
        fingerprint="f",
        standing=Standing(None, same=False),
        size=Size(CONTEXT.resources, "as declared"),
        unjudged=info or None,
    )
    return plan._replace(**changes)


def begun(plan: Plan, tmp_path: Path, *, asked: Asked | None = None, on: Plane | None = None) -> Begun:
    ports = Ports(now=lambda: CONTEXT.created_at, new_uid=lambda: "c" * 32)
    return begin(plan, on or plane(), State(str(tmp_path / "state")), asked or Asked(labels=CONTEXT.labels), ports)


def test_what_may_still_run_is_attached_to_and_not_started_again(tmp_path: Path) -> None:
    found = begun(plan_of(CONTEXT), tmp_path)
    assert (found.context, found.data) == (CONTEXT, None)
    assert found.reason == "attempt 3 was started before and has no verdict yet"


@pytest.mark.parametrize(
    ("plan", "asked"),
    [
        pytest.param(plan_of(None), Asked(), id="every attempt has its verdict"),
        pytest.param(plan_of(CONTEXT, code_version="0" * 32), Asked(), id="the code has changed"),
        pytest.param(plan_of(CONTEXT, pins={"airports": 7}), Asked(), id="an input has moved"),
        pytest.param(plan_of(CONTEXT, plane="another"), Asked(), id="it runs on another plane"),
        pytest.param(plan_of(CONTEXT), Asked(force=True), id="it was not forced, and this is"),
    ],
)
def test_what_would_publish_something_else_is_started_beside_it(plan: Plan, asked: Asked, tmp_path: Path) -> None:
    found = begun(plan, tmp_path, asked=asked)
    assert found.data is not None
    assert found.context.attempt == Attempt(number=1, uid="c" * 32)


def test_a_worker_that_ends_with_its_launcher_is_not_attached_to(tmp_path: Path) -> None:
    assert begun(plan_of(CONTEXT), tmp_path, on=ProcessPlane(state="s3://example/state")).data is not None


@pytest.mark.parametrize(
    ("started_by", "asked_by", "orphaned"),
    [
        pytest.param({"airflow.task_id": "a", "airflow.try_number": "1"}, {"airflow.try_number": "2"}, False, id="another"),
        pytest.param(
            {"airflow.task_id": "a", "airflow.try_number": "1"},
            {"airflow.task_id": "a", "airflow.try_number": "2"},
            True,
            id="the same task, in its next try",
        ),
        pytest.param({}, {}, False, id="two of whom nothing is known"),
    ],
)
def test_a_launcher_is_only_known_to_be_dead_by_its_own_successor(
    started_by: dict[str, str], asked_by: dict[str, str], orphaned: bool, tmp_path: Path
) -> None:
    running = msgspec.structs.replace(CONTEXT, labels=started_by)
    assert begun(plan_of(running), tmp_path, asked=Asked(labels=asked_by)).orphaned is orphaned


def attempts_pod(phase: str = "Running", *, uid: str = CONTEXT.attempt.uid, **metadata: Any) -> dict[str, Any]:
    pod = a_pod(phase, startTime=CREATED)
    about = {**pod["metadata"], "creationTimestamp": CREATED, "labels": {labels.ATTEMPT_UID: uid}, **metadata}
    spec = {**pod["spec"], "nodeName": "node-1", "activeDeadlineSeconds": 3600, "terminationGracePeriodSeconds": 30}
    return {**pod, "metadata": about, "spec": spec}


class Launched:
    """A launcher that comes so many seconds after the attempt's context; each sleep of its own makes it later."""

    def __init__(self, api: ApiServer, seconds: float) -> None:
        self.seconds = seconds
        self.slept: list[float] = []
        cluster = connect(plane(kubeconfig=str(api.kubeconfig), namespace=NAMESPACE))
        self.launcher = PodLauncher(plane(), cluster, now=self.now, pause=self.pause)

    def now(self) -> dt.datetime:
        return CONTEXT.created_at + dt.timedelta(seconds=self.seconds)

    def pause(self, seconds: float, stop: Callable[[], bool]) -> None:
        self.seconds += seconds
        self.slept.append(seconds)

    def attach(self, *, orphaned: bool = False, stop: Callable[[], bool] = lambda: False) -> Verdict:
        return self.launcher.attach(CONTEXT, Watcher(stop=stop), orphaned=orphaned).judge(None)


NO_POD = "it has no pod, and nobody has told how it ended"


@pytest.mark.parametrize(
    ("age", "orphaned", "stopped", "looks"),
    [
        pytest.param(1, True, False, 1, id="its launcher is dead"),
        pytest.param(21, False, False, 1, id="its launcher has had its time to create it"),
        pytest.param(1, False, True, 1, id="nobody wants it any more"),
        pytest.param(18.5, False, False, 3, id="its launcher has a moment left"),
    ],
)
def test_an_attempt_without_a_pod_is_lost_once(
    age: float, orphaned: bool, stopped: bool, looks: int, api: ApiServer
) -> None:
    api.look = [404]
    verdict = Launched(api, age).attach(orphaned=orphaned, stop=lambda: stopped)
    assert (verdict.category, verdict.summary) == (Category.WORKER_LOST, NO_POD)
    assert len(api.requests["look"]) == looks


def test_a_pod_that_is_just_being_created_is_waited_for(api: ApiServer) -> None:
    api.look = [404, 404, attempts_pod("Succeeded")]
    launched = Launched(api, 1)
    assert launched.attach().category is Category.RECEIPT_MISSING
    assert launched.slept == [1, 1]


def test_the_pod_of_another_attempt_is_neither_waited_for_nor_deleted(api: ApiServer) -> None:
    api.look = [attempts_pod(uid="f" * 32)]
    assert Launched(api, 30).attach().summary == NO_POD
    assert api.requests["delete"] == []


UNREACHABLE = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager", "message": "by taint"}


def on_a_lost_node() -> dict[str, Any]:
    pod = attempts_pod(deletionTimestamp="2026-11-21T00:10:00Z")
    return {**pod, "status": {**pod["status"], "conditions": [UNREACHABLE]}}


@pytest.mark.parametrize(
    ("pod", "seconds", "category", "summary"),
    [
        pytest.param(attempts_pod(), 3760, Category.WORKER_LOST, "nothing tells how the worker ended", id="its deadline"),
        pytest.param(
            attempts_pod(deletionTimestamp="2026-11-21T00:10:00Z"),
            730,
            Category.WORKER_LOST,
            "its pod was deleted from outside, while its worker ran",
            id="its deletion",
        ),
        pytest.param(
            on_a_lost_node(),
            730,
            Category.NODE_LOST,
            "the pod was deleted because its node was no longer ready or reachable, or was tainted",
            id="the loss of its node",
        ),
    ],
)
def test_a_pod_that_nobody_ends_is_given_up_two_minutes_after(
    pod: dict[str, Any], seconds: int, category: Category, summary: str, api: ApiServer
) -> None:
    api.look = [pod]
    verdict = Launched(api, seconds).attach()
    assert (verdict.category, verdict.summary) == (category, summary)
    assert [one["preconditions"] for one in api.requests["delete"]] == [{"uid": "uid-1"}]


def test_a_pod_that_cannot_be_seen_gets_no_verdict_and_is_left_alone(api: ApiServer) -> None:
    api.look = [attempts_pod()]
    api.watch = [403]
    with pytest.raises(LostSight):
        Launched(api, 30).attach()
    assert api.requests["delete"] == []
