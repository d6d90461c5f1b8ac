"""Another installation beside the first: in a namespace of its own, without waiting, and gone without a trace."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest
from tests.charts.helm import need
from tests.cluster.stack.local_stack import Stack, namespaced, secrets_of, unready, until, yard
from tools.cluster.command import kubectl
from tools.stack.names import CHART, RELEASE
from tools.stack.release import helm, pack

# what a namespace has of its own accord
_ITS_OWN = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
# two of them share a small node: what they ask for is not what they need
_MODEST = [
    *(f"airflow.{name}.resources.requests" for name in ("apiServer", "scheduler", "dagProcessor", "triggerer", "migration")),
    *("postgres.resources.requests", "s3.resources.requests"),
]
# four of Airflow and its migration, PostgreSQL and the store
_PODS = 7


@pytest.fixture(scope="module")
def beside() -> Iterator[str]:
    with yard(f"beside-{secrets.token_hex(3)}") as name:
        yield name


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The first one's images, without its ports of the node, which are taken."""
    first = tmp_path_factory.mktemp("values") / "first.json"
    first.write_text(helm("get", "values", RELEASE, "-o", "json"))
    settings = [f"{part}.service.{what}" for part in ("airflow", "s3") for what in ("type=ClusterIP", "nodePort=null")]
    settings += [f"{part}.persistence.enabled=false" for part in ("postgres", "s3")]
    settings += [f"{place}.cpu=10m" for place in _MODEST]
    pack()
    return ["-f", str(first), *(f"--set={one}" for one in settings)]


@pytest.fixture
def before(beside: str) -> Iterator[list[str]]:
    """What was there before an installation."""
    found = everything(beside)
    assert set(found) <= _ITS_OWN
    yield found
    # where a test has failed before
    helm("uninstall", RELEASE, "--ignore-not-found", "--wait", namespace=beside)


def everything(namespace: str) -> list[str]:
    """All objects of all kinds; but for events, which tell and are not."""
    found = kubectl("get", ",".join(namespaced()), "-n", namespace, "-o", "name", "--ignore-not-found").split()
    return sorted(one for one in found if not one.startswith(("event/", "event.events.k8s.io/")))


def gone(namespace: str, before: list[str]) -> None:
    until(lambda: set(everything(namespace)) <= set(before) | _ITS_OWN, "nothing was left", seconds=180)


def test_it_comes_up_while_nobody_waits_and_goes_without_a_trace(
    stack: Stack, beside: str, values: list[str], before: list[str]
) -> None:
    helm("install", RELEASE, CHART, *values, namespace=beside)

    until(lambda: len(pods := stack.pods(namespace=beside)) >= _PODS and not unready(pods), "all pods were ready")
    events = json.loads(kubectl("get", "events", "-n", beside, "-o", "json"))["items"]
    # A migration that met a database on its way, and probes that came too early, are not among them. A busy kubelet that has
    # not heard of a Secret yet says so and asks again.
    refused = [
        event["message"]
        for event in events
        if event["reason"] in ("FailedCreate", "FailedScheduling", "FailedMount")
        and "cache: timed out waiting for the condition" not in event["message"]
    ]
    assert refused == []

    helm("uninstall", RELEASE, namespace=beside)
    gone(beside, before)


@pytest.mark.thorough
def test_helm_4_installs_tests_upgrades_and_removes_it(
    stack: Stack, beside: str, values: list[str], before: list[str]
) -> None:
    need("helm4")
    # its way of waiting is another one than Helm 3's: it looks at every kind of object
    wait = ("--wait", "--timeout", "10m")
    helm("install", RELEASE, CHART, *values, *wait, namespace=beside, program="helm4")
    assert unready(stack.pods(namespace=beside)) == []
    kept = secrets_of(beside)

    helm("test", RELEASE, "--timeout", "10m", namespace=beside, program="helm4")
    helm("upgrade", RELEASE, CHART, *values, *wait, namespace=beside, program="helm4")
    assert secrets_of(beside) == kept

    helm("uninstall", RELEASE, "--wait", namespace=beside, program="helm4")
    gone(beside, before)
