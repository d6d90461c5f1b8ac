"""What a deferred task carries from one worker to the next: its attempt, its budgets and what is left of its time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.airflow.api_server import ApiServer, serve
from tests.airflow.shop import DAY, Shop
from tests.airflow.tasks import End, a_dag, run_task
from tests.launch.kubernetes.attempts import CONTEXT

from polarpod.airflow import run_job
from polarpod.airflow.exceptions import AirflowException
from polarpod.airflow.planes.kubernetes.deferral import Deferring
from polarpod.contract.verdict import Category
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.state import State
from polarpod.launch.worker import Deferred, WorkerExit

# whatever the trigger has seen, the task looks for itself
EVENT = {"phase": "Succeeded"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    with serve(tmp_path) as server:
        server.look = [404]
        yield server


def task(shop: Shop, api: ApiServer, **kwargs: Any) -> Any:
    """A run on a plane of pods whose state store and lake are this machine's."""
    # a local state store needs a template, which would mount it; no pod of these tests ever runs
    template = shop.root / "pod.yaml"
    template.write_text("metadata: {labels: {state: mounted}}\n")
    plane = {
        "kind": "kubernetes",
        "namespace": "yard",
        "image": "x",
        "template": str(template),
        "kubeconfig": str(api.kubeconfig),
        "state": str(shop.root / "state"),
        "variables": {"lake": str(shop.lake)},
    }
    shop.planes.write_text(json.dumps({"planes": {"kind": plane}}))
    with a_dag():
        return run_job("takings", plane="kind", params={"ds": DAY}, deferrable=True, **({"retries": 2} | kwargs))


def another_task(**kwargs: Any) -> Any:
    """A task of another DAG that asks for the same run."""
    with a_dag("another"):
        return run_job("takings", plane="kind", params={"ds": DAY}, deferrable=True, **({"retries": 2} | kwargs))


def as_created(api: ApiServer, phase: str = "Running") -> dict[str, Any]:
    """The last pod that was asked for, as the API server has it."""
    made = api.requests["create"][-1]
    about = {**made["metadata"], "uid": "uid-1", "resourceVersion": "1", "creationTimestamp": "2026-11-21T00:00:00Z"}
    end = {"terminated": {"exitCode": 0, "startedAt": "2026-11-21T00:00:00Z"}} if phase == "Succeeded" else {"running": {}}
    status = {"phase": phase, "containerStatuses": [{"name": "worker", "state": end}]}
    return {**made, "metadata": about, "status": status}


def attempts(shop: Shop) -> list[AttemptInfo]:
    state = State(str(shop.root / "state"))
    return [info for key in state.run_keys("takings") for info in reversed(state.attempts("takings", key))]


def woken(task: Any, end: End) -> End:
    assert end.deferral is not None, end.text
    return run_task(task, woken=(end.deferral, EVENT))


def test_the_platforms_budget_is_one_for_all_workers_of_a_try(shop: Shop, api: ApiServer) -> None:
    made = task(shop, api)
    end = run_task(made)
    for _ in range(2):
        end = woken(made, end)
        assert end.state == "deferred"
    end = woken(made, end)

    assert (end.state, type(end.error)) == ("up_for_retry", AirflowException)
    assert [info.record.verdict.category for info in attempts(shop) if info.record] == [Category.WORKER_LOST] * 3
    assert len(api.requests["create"]) == 3


def test_an_attempt_that_cannot_be_looked_for_gets_no_verdict_and_no_successor(shop: Shop, api: ApiServer) -> None:
    made = task(shop, api)
    end = run_task(made)
    port = json.loads(api.kubeconfig.read_text())["clusters"][0]["cluster"]["server"].rpartition(":")[2]
    api.write_kubeconfig(port=9)
    end = woken(made, end)

    assert end.state == "up_for_retry"
    assert str(end.error).startswith("plane_unreachable: ")
    assert [info.record for info in attempts(shop)] == [None]

    # the next try finds it
    api.write_kubeconfig(int(port))
    made_pod = api.requests["create"][0]
    made_pod["metadata"] |= {"uid": "uid-1", "resourceVersion": "1"}
    api.look = [made_pod]
    end = run_task(made, try_number=2)

    assert end.state == "deferred"
    assert len(api.requests["create"]) == 1


def test_the_execution_timeout_goes_on_while_nobody_works(shop: Shop, api: ApiServer) -> None:
    made = task(shop, api, execution_timeout=dt.timedelta(minutes=10))
    end = run_task(made)
    assert end.deferral is not None
    early = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    end = woken(
        made, end._replace(deferral=end.deferral._replace(kwargs=end.deferral.kwargs | {"until": early.isoformat()}))
    )

    assert end.state == "deferred"
    first, second = (info.context.deadline_seconds for info in attempts(shop) if info.context)
    assert 590 <= first <= 600
    assert 60 <= second <= 100


def test_a_pod_that_is_refused_is_judged_at_once(shop: Shop, api: ApiServer) -> None:
    api.create = [403]
    end = run_task(task(shop, api))

    assert end.state == "failed"
    (attempt,) = attempts(shop)
    assert attempt.record is not None
    assert str(end.error) == attempt.record.verdict.text()


@pytest.mark.parametrize("stop", [pytest.param(True, id="asked to stop"), pytest.param(False, id="not asked to")])
def test_a_run_that_is_asked_to_stop_is_handed_over_to_nobody(stop: bool) -> None:
    ended = WorkerExit(lambda receipt: pytest.fail("nobody judges here"), None, b"")

    class Pods:
        """A launcher whose pod is there at once."""

        def start(self, *_: Any) -> Pod:
            return Pod("tolls-1", "uid-1", {})

        def attach(self, *_: Any, orphaned: bool, handed_over: bool) -> WorkerExit:
            assert orphaned
            assert handed_over, "it has just started the pod, and has not deleted it"
            return ended

    def run() -> object:
        return Deferring(Pods(), woken=None).run(CONTEXT, b"", Listener(stop=lambda: stop))

    if stop:
        assert run() is ended
    else:
        with pytest.raises(Deferred):
            run()


def test_a_pod_that_another_task_has_started_is_waited_for_and_never_ended(shop: Shop, api: ApiServer) -> None:
    first = task(shop, api)
    run_task(first)
    api.look = [as_created(api)]
    made = another_task()
    end = run_task(made)

    assert end.state == "deferred"
    assert end.deferral is not None
    assert len(api.requests["create"]) == 1
    assert {name: end.deferral.kwargs[name] for name in ("owned", "outdated", "attempts")} == {
        "owned": False,
        "outdated": False,
        "attempts": 1,
    }
    assert json.loads(end.deferral.stored)["owned"] is False

    # it ends while nobody works; who only waited records how, and only then removes the evidence
    api.look = [as_created(api, "Succeeded")]
    end = woken(made, end)
    assert end.state == "deferred", "another attempt follows"
    assert attempts(shop)[0].record is not None
    assert len(api.requests["delete"]) == 1


def test_a_pod_of_ones_own_is_taken_away_after_its_record(shop: Shop, api: ApiServer) -> None:
    made = task(shop, api)
    end = run_task(made)
    assert end.deferral is not None
    assert (end.deferral.kwargs["owned"], json.loads(end.deferral.stored)["owned"]) == (True, True)
    api.look = [as_created(api, "Succeeded")]
    woken(made, end)
    assert attempts(shop)[0].record is not None
    assert len(api.requests["delete"]) == 1


def test_an_attempt_that_is_in_the_way_is_waited_for_and_another_follows(shop: Shop, api: ApiServer) -> None:
    first = task(shop, api)
    run_task(first)
    api.look = [as_created(api)]
    made = another_task(force=True)
    end = run_task(made)

    assert end.deferral is not None
    waits = {name: end.deferral.kwargs[name] for name in ("owned", "outdated", "attempts")}
    assert waits == {"owned": False, "outdated": True, "attempts": 1}
    assert len(api.requests["create"]) == 1

    api.look = [as_created(api, "Succeeded"), 404]
    end = woken(made, end)
    assert end.state == "deferred"
    assert end.deferral is not None
    assert [info.record.verdict.category if info.record else None for info in attempts(shop)] == [
        Category.RECEIPT_MISSING,
        None,
    ]
    follows = {name: end.deferral.kwargs[name] for name in ("owned", "outdated", "attempts", "spent")}
    assert follows == {"owned": True, "outdated": False, "attempts": 2, "spent": {}}
    assert len(api.requests["create"]) == 2
    assert len(api.requests["delete"]) == 1


def test_a_deferral_of_an_older_release_is_taken_up(shop: Shop, api: ApiServer) -> None:
    made = task(shop, api)
    end = run_task(made)
    assert end.deferral is not None
    known = {"run_key", "uid", "spent", "until"}
    older = {name: value for name, value in end.deferral.kwargs.items() if name in known} | {"spent": {"platform": 1}}
    api.look = [as_created(api, "Succeeded"), 404]
    end = woken(made, end._replace(deferral=end.deferral._replace(kwargs=older)))

    assert end.state == "deferred"
    assert end.deferral is not None
    assert end.deferral.kwargs["attempts"] == 3, "two before, and the one that follows"
    assert end.deferral.kwargs["spent"] == {"platform": 2}


@pytest.mark.parametrize("orphaned", [pytest.param(True, id="its own"), pytest.param(False, id="another's")])
@pytest.mark.parametrize("stop", [pytest.param(True, id="asked to stop"), pytest.param(False, id="not asked to")])
@pytest.mark.parametrize("woke", [pytest.param(True, id="by this pod"), pytest.param(False, id="by none")])
def test_a_pod_counts_as_watched_only_by_the_run_that_its_trigger_woke(*, orphaned: bool, stop: bool, woke: bool) -> None:
    ended = WorkerExit(lambda receipt: pytest.fail("nobody judges here"), None, b"")
    seen: list[tuple[bool, bool]] = []

    class Pods:
        def find(self, _: Any) -> Pod:
            return Pod("tolls-1", "uid-1", as_running())

        def attach(self, *_: Any, orphaned: bool, handed_over: bool = False) -> WorkerExit:
            seen.append((orphaned, handed_over))
            return ended

    deferring = Deferring(Pods(), woken=CONTEXT.attempt.uid if woke else "another")

    def attach() -> object:
        return deferring.attach(CONTEXT, Listener(stop=lambda: stop), orphaned=orphaned)

    if not woke and not stop:
        with pytest.raises(Deferred) as caught:
            attach()
        assert caught.value.owned is orphaned
        return
    assert attach() is ended
    assert seen == [(orphaned, woke and orphaned)]


def as_running() -> dict[str, Any]:
    return {"metadata": {"uid": "uid-1"}, "status": {"phase": "Running"}}
