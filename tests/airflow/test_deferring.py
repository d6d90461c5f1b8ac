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
from polarpod.airflow.deferring import Deferring
from polarpod.airflow.exceptions import AirflowException
from polarpod.contract.verdict import Category
from polarpod.launch.kubernetes.pod import Pod
from polarpod.launch.state import AttemptInfo, State
from polarpod.launch.worker import Ended, HandedOver, Watcher

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
    assert str(end.error).startswith("cluster_unreachable: ")
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
    ended = Ended(lambda receipt: pytest.fail("nobody judges here"), None, b"")

    class Pods:
        """A launcher whose pod is there at once."""

        def start(self, *_: Any) -> Pod:
            return Pod("tolls-1", "uid-1", {})

        def attach(self, *_: Any, orphaned: bool) -> Ended:
            assert orphaned
            return ended

    def run() -> object:
        return Deferring(Pods(), woken=None).run(CONTEXT, b"", Watcher(stop=lambda: stop))

    if stop:
        assert run() is ended
    else:
        with pytest.raises(HandedOver):
            run()
