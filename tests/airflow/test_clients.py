"""Clusters that a task cannot get to: in words, before anything is launched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tests.airflow.api_server import ApiServer, serve
from tests.airflow.shop import DAY, Shop
from tests.airflow.tasks import End, a_dag, run_task

from polarpod.airflow import run_job
from polarpod.airflow.exceptions import AirflowException, AirflowFailException
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes_file import load_planes

BOTH = pytest.mark.parametrize("deferrable", [pytest.param(False, id="sync"), pytest.param(True, id="deferrable")])


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    with serve(tmp_path) as server:
        yield server


def ended(shop: Shop, *, deferrable: bool = False, **plane: Any) -> End:
    """A run on a plane of pods whose state store and lake are this machine's."""
    known: dict[str, Any] = {"kind": "kubernetes", "namespace": "yard", "image": "x", "state": str(shop.root / "state")}
    # which may mount a volume there: this state is a local one
    template = shop.root / "pod.yaml"
    template.write_text("{}")
    known["template"] = str(template)
    known |= {"variables": {"lake": str(shop.lake)}, "environment": {"SHOP_TOKEN": "of-the-plane-4411"}}
    shop.planes.write_text(json.dumps({"planes": {"kind": known | plane}}))
    with a_dag():
        task = run_job("takings", plane="kind", params={"ds": DAY}, retries=2, deferrable=deferrable)
    return run_task(task)


def is_refused(end: End) -> bool:
    return end.state == "failed" and isinstance(end.error, AirflowFailException)


@BOTH
@pytest.mark.parametrize(
    ("plane", "words"),
    [
        pytest.param({"kubeconfig": "/nowhere/config"}, "no such file: /nowhere/config", id="missing file"),
        pytest.param({"kubeconfig": "{here}", "context": "elsewhere"}, "elsewhere", id="unknown context"),
        pytest.param({"kubeconfig": "{planes}"}, "Invalid kube-config file", id="another kind of file"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_told_as_at_the_terminal(
    shop: Shop, api: ApiServer, plane: dict[str, str], words: str, *, deferrable: bool
) -> None:
    given = {key: value.format(here=api.kubeconfig, planes=shop.planes) for key, value in plane.items()}
    end = ended(shop, deferrable=deferrable, **given)

    assert is_refused(end)
    with pytest.raises(PolarpodError) as told:
        connect(load_planes(shop.planes)["kind"])
    assert str(end.error) == str(told.value)
    assert words in str(end.error)
    assert shop_attempts(shop) == []


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        pytest.param(None, "isn't defined", id="not there"),
        pytest.param({"in_cluster": True, "kube_config_path": "/x"}, "mutually exclusive", id="contradicts itself"),
        pytest.param({"kube_config_path": "/nowhere/config"}, "Invalid kube-config file", id="missing file"),
        pytest.param({"kube_config": "{"}, "", id="not YAML"),
    ],
)
def test_a_connection_that_cannot_be_used_is_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any] | None, words: str
) -> None:
    if connection:
        document = {"conn_type": "kubernetes", "extra": connection}
        monkeypatch.setenv("AIRFLOW_CONN_YARD", json.dumps(document))
    # what the plane says for the terminal counts for nothing here
    end = ended(shop, connection="yard", kubeconfig="/nowhere/config", context="elsewhere")

    assert is_refused(end)
    assert str(end.error).startswith("request_invalid: the cluster's configuration cannot be used")
    assert words in str(end.error)
    assert "Airflow connection 'yard'" in str(end.error)
    assert shop_attempts(shop) == []


def test_the_default_connection_is_not_asked_for_by_a_plane_with_a_kubeconfig(
    shop: Shop, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {"conn_type": "kubernetes", "extra": {"in_cluster": True}}
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps(document))
    api.write_kubeconfig(port=9)
    end = ended(shop, kubeconfig=str(api.kubeconfig))

    assert str(end.error).startswith("plane_unreachable: ")


@BOTH
def test_a_cluster_that_does_not_answer_is_for_the_tasks_own_retries(
    shop: Shop, api: ApiServer, *, deferrable: bool
) -> None:
    api.write_kubeconfig(port=9)
    end = ended(shop, deferrable=deferrable, kubeconfig=str(api.kubeconfig))

    assert (end.state, type(end.error)) == ("up_for_retry", AirflowException)
    assert str(end.error).startswith("plane_unreachable: ")
    assert "of-the-kubeconfig-8842" not in end.text


def test_a_mutation_hook_that_fails_is_named_without_the_pod(
    shop: Shop, api: ApiServer, capfd: pytest.CaptureFixture[str]
) -> None:
    def hook(pod: Any) -> None:
        raise ValueError(f"no such pods here: {pod}")

    with mock.patch("airflow.providers.cncf.kubernetes.operators.pod.pod_mutation_hook", hook):
        end = ended(shop, kubeconfig=str(api.kubeconfig))

    assert is_refused(end)
    assert str(end.error).startswith("worker_refused: ")
    assert f"ValueError in {__file__}:" in str(end.error)
    captured = capfd.readouterr()
    for text in (end.text, captured.out, captured.err):
        assert "of-the-plane-4411" not in text


def shop_attempts(shop: Shop) -> list[Category | None]:
    from polarpod.launch.state import State

    state = State(str(shop.root / "state"))
    found = [info for key in state.run_keys("takings") for info in state.attempts("takings", key)]
    return [info.record.verdict.category if info.record else None for info in found]
