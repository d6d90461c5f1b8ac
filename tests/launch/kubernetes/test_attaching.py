"""The pod of an attempt without a verdict: who waits for it, who ends it, and when one is given up that nobody ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.airflow.api_server import NAMESPACE, ApiServer, a_pod, event, serve
from tests.launch.kubernetes.attempts import CONTEXT as GOLDEN
from tests.launch.kubernetes.attempts import plane
from tests.launch.loop import receipt_of

from polarpod.contract import labels
from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.launch.run import AttemptHandle, Clock, see_through
from polarpod.launch.state import State
from polarpod.launch.worker import Unobservable

CONTEXT = msgspec.structs.replace(GOLDEN, fingerprint="f")
CREATED = "2026-11-21T00:00:00Z"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.wait._TICK_SECONDS", 0.001)
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.watch._BETWEEN_SECONDS", 0.001)
    with serve(tmp_path) as server:
        yield server


def attempts_pod(phase: str = "Running", *, uid: str = CONTEXT.attempt.uid, **metadata: Any) -> dict[str, Any]:
    pod = a_pod(phase, startTime=CREATED)
    about = {**pod["metadata"], "creationTimestamp": CREATED, "labels": {labels.ATTEMPT_UID: uid}, **metadata}
    spec = {**pod["spec"], "nodeName": "node-1", "activeDeadlineSeconds": 3600, "terminationGracePeriodSeconds": 30}
    return {**pod, "metadata": about, "spec": spec}


class Launched:
    """A launcher that comes so many seconds after the attempt's context; each sleep of its own makes it later."""

    def __init__(self, api: ApiServer, seconds: float) -> None:
        self.api = api
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
        ended = self.launcher.attach(CONTEXT, Listener(stop=stop), orphaned=orphaned)
        assert self.api.requests["delete"] == [] or stop(), "evidence stays until the verdict is recorded"
        ended.release()
        return ended.judge(None)


NO_POD = "it has no pod, and nobody has told how it ended"


@pytest.mark.parametrize(
    ("age", "orphaned", "stopped", "looks"),
    [
        pytest.param(1, True, False, 1, id="its launcher is dead"),
        pytest.param(21, False, False, 1, id="its launcher has had its time to create it"),
        pytest.param(21, False, True, 1, id="nobody wants it any more"),
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
            "its pod was deleted before this launcher looked at it",
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
    with pytest.raises(Unobservable):
        Launched(api, 30).attach()
    assert api.requests["delete"] == []


def test_a_launcher_that_attached_detaches_and_says_who_can_end_the_run(api: ApiServer) -> None:
    api.look = [attempts_pod()]
    with pytest.raises(Unobservable) as caught:
        Launched(api, 30).attach(stop=lambda: True)
    assert api.requests["delete"] == []
    assert caught.value.verdict.text() == (
        "interrupted: no longer waiting for attempt 3; it goes on\n"
        "  evidence: pod tolls-1 in namespace yard, started by another launcher "
        "(airflow.dag_id flights, airflow.task_id airport_delays)\n"
        "  what to do: Ask for the run again to wait for it again. To end it for everybody: "
        "`kubectl --namespace yard delete pod tolls-1`."
    )


def test_an_attempt_whose_pod_is_just_being_created_is_not_judged_by_who_leaves(api: ApiServer) -> None:
    api.look = [404]
    with pytest.raises(Unobservable, match="no longer waiting for attempt 3"):
        Launched(api, 1).attach(stop=lambda: True)


@pytest.mark.parametrize("orphaned", [pytest.param(True, id="its own"), pytest.param(False, id="another's")])
def test_an_ended_pod_is_deleted_by_the_launcher_that_saw_its_end(orphaned: bool, api: ApiServer) -> None:
    api.look = [attempts_pod("Succeeded")]
    assert Launched(api, 30).attach(orphaned=orphaned).category is Category.RECEIPT_MISSING
    assert len(api.requests["delete"]) == 1


def test_who_gives_up_on_the_start_of_anothers_run_does_not_end_it(api: ApiServer, tmp_path: Path) -> None:
    state = State(str(tmp_path / "state"))
    state.put_context(CONTEXT)
    api.look = [attempts_pod("Pending")]
    launched = Launched(api, 700)
    ran = see_through(AttemptHandle(CONTEXT, None, ""), launched.launcher, state, Listener(), Clock())
    assert ran.verdict.category is Category.NOT_STARTED
    assert "no longer waiting for attempt 3; it goes on" in ran.verdict.evidence
    assert "kubectl --namespace yard delete pod tolls-1" in ran.verdict.remedy
    assert api.requests["delete"] == []
    assert state.attempts(CONTEXT.job.name, CONTEXT.run_key) == [], "it has no record of ours"


def test_who_gives_up_on_the_start_of_its_own_run_ends_it(api: ApiServer) -> None:
    api.look = [attempts_pod("Pending")]
    verdict = Launched(api, 700).attach(orphaned=True)
    assert verdict.category is Category.NOT_STARTED
    assert len(api.requests["delete"]) == 1


STOPPED = receipt_of(CONTEXT, Category.INTERRUPTED)
BY_WHOM = "by an earlier launcher or trigger of this run, when it was asked to stop, or from outside"


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(404, id="gone"),
        pytest.param(attempts_pod(deletionTimestamp="2026-11-21T00:00:10Z"), id="going"),
        pytest.param(attempts_pod("Succeeded", deletionTimestamp="2026-11-21T00:00:10Z"), id="over"),
    ],
)
def test_a_pod_that_was_deleted_before_this_launcher_came_is_not_told_as_deleted_by_a_stranger(
    look: Any, api: ApiServer
) -> None:
    api.look = [look, 404]
    api.watch = [lambda: [event("DELETED", attempts_pod(deletionTimestamp="2026-11-21T00:00:10Z"))]]
    ended = Launched(api, 30).launcher.attach(CONTEXT, Listener(), orphaned=True)
    verdict = ended.judge(STOPPED)
    assert (verdict.category, verdict.summary) == (
        Category.WORKER_LOST,
        "its pod was deleted before this launcher looked at it",
    )
    assert BY_WHOM in verdict.evidence
    assert "from outside" not in verdict.summary


@pytest.mark.parametrize("handed_over", [pytest.param(True, id="by its trigger"), pytest.param(False, id="by nobody")])
def test_a_pod_that_was_watched_for_this_run_was_deleted_from_outside(handed_over: bool, api: ApiServer) -> None:
    api.look = [attempts_pod(deletionTimestamp="2026-11-21T00:00:10Z"), 404]
    ended = Launched(api, 30).launcher.attach(CONTEXT, Listener(), orphaned=True, handed_over=handed_over)
    assert (ended.judge(STOPPED).summary == "its pod was deleted from outside, while its worker ran") is handed_over


def test_a_pod_that_is_deleted_while_this_launcher_looks_was_deleted_from_outside(api: ApiServer) -> None:
    api.look = [attempts_pod()]
    api.watch = [[event("DELETED", attempts_pod(deletionTimestamp="2026-11-21T00:00:40Z"))]]
    ended = Launched(api, 30).launcher.attach(CONTEXT, Listener(), orphaned=True)
    assert ended.judge(STOPPED).summary == "its pod was deleted from outside, while its worker ran"
    assert ended.judge(None).summary == "its pod was deleted from outside, while its worker ran"


def test_a_worker_that_got_a_signal_in_its_pod_was_ended_from_outside(api: ApiServer) -> None:
    end = {"exitCode": 50, "reason": "Error", "startedAt": CREATED}
    pod = attempts_pod("Succeeded")
    status = {"phase": "Failed", "containerStatuses": [{"name": "worker", "state": {"terminated": end}}]}
    api.look = [{**pod, "status": {**pod["status"], **status}}]
    verdict = Launched(api, 30).launcher.attach(CONTEXT, Listener(), orphaned=True).judge(STOPPED)
    assert (verdict.category, verdict.summary) == (Category.WORKER_LOST, "the worker was ended from outside, by a signal")
    assert verdict.evidence[0] == "this launcher did not ask it to stop"


class Killed(BaseException):
    """A timeout, or a second Ctrl-C."""


@pytest.mark.parametrize(
    ("orphaned", "deletions"), [pytest.param(True, 1, id="ours"), pytest.param(False, 0, id="another's")]
)
def test_only_its_own_pod_ends_with_a_launcher(orphaned: bool, deletions: int, api: ApiServer) -> None:
    def stop() -> bool:
        raise Killed

    api.look = [attempts_pod()]
    launched = Launched(api, 30)
    with pytest.raises(Killed):
        launched.launcher.attach(CONTEXT, Listener(stop=stop), orphaned=orphaned)
    assert len(api.requests["delete"]) == deletions


def test_a_launcher_that_took_anothers_place_ends_the_run_when_asked(api: ApiServer) -> None:
    api.look = [attempts_pod()]
    api.watch = [lambda: [event("DELETED", attempts_pod())] if api.deleted.wait(20) else []]
    launched = Launched(api, 30)
    ended = launched.launcher.attach(CONTEXT, Listener(stop=lambda: True), orphaned=True)
    assert ended.judge(None).category is Category.INTERRUPTED
    assert len(api.requests["delete"]) == 1


def oom_pod() -> dict[str, Any]:
    pod = attempts_pod("Succeeded")
    killed = {"exitCode": 137, "reason": "OOMKilled", "startedAt": CREATED}
    status = {"phase": "Failed", "containerStatuses": [{"name": "worker", "state": {"terminated": killed}}]}
    return {**pod, "status": {**pod["status"], **status}}


def test_a_launcher_that_dies_before_the_record_leaves_the_next_one_the_evidence(api: ApiServer, tmp_path: Path) -> None:
    class Dies(State):
        def put_record(self, *_: Any) -> None:
            raise Killed

    state = State(str(tmp_path / "state"))
    state.put_context(CONTEXT)
    api.look = [oom_pod()]
    launched = Launched(api, 30)
    with pytest.raises(Killed):
        see_through(AttemptHandle(CONTEXT, None, ""), launched.launcher, Dies(str(tmp_path / "state")), Listener(), Clock())
    assert api.requests["delete"] == []

    ran = see_through(AttemptHandle(CONTEXT, None, "", orphaned=True), launched.launcher, state, Listener(), Clock())
    assert ran.verdict.category is Category.OUT_OF_MEMORY
    assert len(api.requests["delete"]) == 1, "recorded, so no longer needed"
