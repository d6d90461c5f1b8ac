"""The trigger of a deferred run: when it wakes its task, and when not."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.airflow.api_server import NAME, NAMESPACE, UID, ApiServer, a_pod, event, serve
from tests.airflow.tasks import first_event

from polarpod.airflow.planes.kubernetes.trigger import PodTrigger

NOW = dt.datetime.now(dt.UTC)
LONG_AGO = "2026-01-01T00:00:00+00:00"
EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr("polarpod.airflow.planes.kubernetes.trigger._AGAIN_SECONDS", 0.02)
    monkeypatch.setattr("polarpod.airflow.planes.kubernetes.trigger._BETWEEN_SECONDS", 0.01)
    monkeypatch.setattr("polarpod.airflow.planes.kubernetes.trigger._SETTLED_SECONDS", 0.0)
    with serve(tmp_path) as server:
        yield server


def trigger(api: ApiServer, *, created_at: str = NOW.isoformat(), **cluster: str | None) -> PodTrigger:
    return PodTrigger(
        name=NAME,
        uid=UID,
        namespace=NAMESPACE,
        cluster=cluster or {"connection": None, "kubeconfig": str(api.kubeconfig), "context": None},
        task={"dag_id": "yard", "task_id": "tolls", "run_id": "r", "map_index": -1},
        grace_seconds=3,
        start_timeout_seconds=600,
        created_at=created_at,
    )


def woken(api: ApiServer, **kwargs: Any) -> str:
    """The phase it wakes its task with."""
    found: dict[str, str] = asyncio.run(asyncio.wait_for(first_event(trigger(api, **kwargs)), 20))
    assert (found["pod"], found["uid"]) == (NAME, UID)
    return found["phase"]


@pytest.mark.parametrize(
    ("look", "watch", "phase", "looks"),
    [
        pytest.param([a_pod("Succeeded")], [[]], "Succeeded", 1, id="over before the first look"),
        pytest.param([404], [[]], "gone", 1, id="gone before the first look"),
        pytest.param([a_pod(uid="another")], [[]], "gone", 1, id="another pod of that name"),
        pytest.param([a_pod()], [[event("MODIFIED", a_pod("Succeeded"))]], "Succeeded", 1, id="ends under watch"),
        pytest.param([a_pod()], [[event("DELETED", a_pod())]], "gone", 1, id="is deleted under watch"),
        pytest.param(
            [a_pod()],
            [[event("DELETED", a_pod(uid="another")), event("MODIFIED", a_pod("Succeeded"))]],
            "Succeeded",
            1,
            id="another pod of that name is deleted",
        ),
        pytest.param([a_pod(), a_pod("Succeeded")], [[EXPIRED]], "Succeeded", 2, id="the watch is too old"),
        pytest.param([a_pod(), a_pod("Succeeded")], [410], "Succeeded", 2, id="the watch was too old from the start"),
        pytest.param([a_pod(), a_pod("Succeeded")], [[]], "Succeeded", 2, id="the watch ends"),
        pytest.param([a_pod(), a_pod("Succeeded")], [403], "Succeeded", 2, id="the watch is denied"),
        pytest.param([500, 401, a_pod("Succeeded")], [[]], "Succeeded", 3, id="the server has its troubles"),
        pytest.param(
            [a_pod()],
            [[event("MODIFIED", a_pod("Succeeded", message="x" * 300_000))]],
            "Succeeded",
            1,
            id="a line longer than aiohttp likes",
        ),
    ],
)
def test_it_fires_when_the_pod_is_over(api: ApiServer, look: list[Any], watch: list[Any], phase: str, looks: int) -> None:
    api.look, api.watch = look, watch

    assert woken(api) == phase
    assert len(api.requests["look"]) == looks


def test_a_pod_that_is_over_at_once_does_not_wake_its_task_before_airflow_has_seen_it_deferred(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("polarpod.airflow.planes.kubernetes.trigger._SETTLED_SECONDS", 60.0)
    monkeypatch.setattr("asyncio.sleep", sleep)
    api.look = [a_pod("Succeeded")]

    assert woken(api) == "Succeeded"
    assert [0 < wait <= 60 for wait in waits if wait] == [True]


def test_it_fires_for_a_pod_that_does_not_start(api: ApiServer) -> None:
    api.look = [a_pod("Pending")]

    assert woken(api, created_at=LONG_AGO) == "Pending"


def test_it_waits_for_a_pod_whose_node_is_on_its_way(api: ApiServer) -> None:
    unbound = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes: Insufficient cpu",
    }
    pending = a_pod("Pending", conditions=[unbound], containerStatuses=[])
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pending["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    api.events = [{"items": [{"reason": "TriggeredScaleUp", "firstTimestamp": now, "lastTimestamp": now, "message": "+1"}]}]
    api.look = [pending, pending, a_pod("Succeeded")]

    assert woken(api, created_at=LONG_AGO) == "Succeeded"


@pytest.mark.parametrize(
    ("spec", "metadata"),
    [
        pytest.param({"activeDeadlineSeconds": 60}, {}, id="past its deadline"),
        pytest.param({}, {"deletionTimestamp": "2026-01-01T00:02:00Z"}, id="deleted"),
    ],
)
def test_it_fires_for_a_pod_whose_node_is_not_there_to_end_it(
    api: ApiServer, spec: dict[str, Any], metadata: dict[str, Any]
) -> None:
    pod = a_pod("Running", startTime="2026-01-01T00:00:00Z")
    pod["spec"] |= spec
    pod["metadata"] |= metadata
    api.look = [pod]

    assert woken(api, created_at=LONG_AGO) == "Running"


def test_it_fires_where_the_pod_cannot_be_seen_for_long(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarpod.airflow.planes.kubernetes.trigger._BLIND_SECONDS", 0.3)
    api.write_kubeconfig(port=9)

    assert woken(api) == ""


def test_a_quiet_watch_is_not_blindness(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polarpod.airflow.planes.kubernetes.trigger._BLIND_SECONDS", 0.0)
    api.look, api.watch = [a_pod(), a_pod(), a_pod(), a_pod("Succeeded")], [[]]

    assert woken(api) == "Succeeded"


def test_it_goes_through_an_airflow_connection(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"kube_config_path": str(api.kubeconfig)}
    monkeypatch.setenv("AIRFLOW_CONN_YARD", json.dumps({"conn_type": "kubernetes", "extra": extra}))
    api.watch = [[event("MODIFIED", a_pod("Succeeded"))]]

    assert woken(api, connection="yard") == "Succeeded"


def test_what_airflow_stores_of_it_holds_no_credentials(api: ApiServer) -> None:
    path, arguments = trigger(api).serialize()
    stored = json.dumps(arguments)

    assert path == "polarpod.airflow.planes.kubernetes.trigger.PodTrigger"
    assert "of-the-kubeconfig-8842" not in stored
    assert PodTrigger(**json.loads(stored)).serialize() == (path, arguments)


@pytest.mark.parametrize("answer", [{}, 404, 409, 500], ids=["taken", "gone already", "another pod by now", "refused"])
def test_ending_the_pod_names_exactly_this_one_and_never_raises(api: ApiServer, answer: Any) -> None:
    api.delete = [answer]
    asyncio.run(trigger(api).on_kill())

    assert api.requests["delete"] == [{"preconditions": {"uid": UID}, "gracePeriodSeconds": 3}]


def test_ending_the_pod_outlives_being_cancelled_again_and_again(api: ApiServer) -> None:
    async def cancelled() -> None:
        killing = asyncio.create_task(trigger(api).on_kill())
        for _ in range(5):
            await asyncio.sleep(0)
            killing.cancel()
        await killing

    asyncio.run(cancelled())

    assert len(api.requests["delete"]) == 1


def test_a_pod_that_another_launcher_has_started_is_left_running(api: ApiServer) -> None:
    module, arguments = trigger(api).serialize()
    others = PodTrigger(**arguments | {"owned": False})
    assert others.serialize() == (module, arguments | {"owned": False})

    asyncio.run(others.on_kill())

    assert api.requests["delete"] == []
