"""Least privilege, proved both ways: each right is needed, and none is granted beyond.

The rest of this folder runs with exactly these rights, which is the proof that they are enough.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from tenacity import Retrying, stop_after_delay, wait_fixed
from tests.support.kind import Kind
from tests.support.workshop import Workshop
from tools.cluster import names

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.examine import examine
from polarpod.launch.planes.kubernetes.leftovers import find_left_pods
from polarpod.launch.planes.kubernetes.permissions import RIGHTS, Right
from polarpod.launch.planes.registry import launcher_of
from polarpod.launch.planes_file import load_planes
from polarpod.launch.run import RunResult

ROLE = "polarpod-launcher"
SAYS = """
@job(inputs={}, output=Delta("{lake}/said", replace={}), memory="256Mi")
def says():
    print("hello from the pod")
    return pl.LazyFrame({"x": [1]})
"""


@pytest.fixture
def workshop(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    admin = client.CoreV1Api(config.new_client_from_config(str(names.ADMIN)))
    with kind.lake() as lake:
        for name, value in lake.environment.items():
            monkeypatch.setenv(name, value)
        made = Workshop(tmp_path, lake.uri, lake.storage, lake.environment, max_memory="1Gi", site=kind)
        made.write_job(SAYS)
        yield made
        # some of what is tested here leaves pods behind, on purpose
        admin.delete_collection_namespaced_pod(kind.name, grace_period_seconds=0)


@pytest.fixture
def without(kind: Kind, workshop: Workshop) -> Iterator[Callable[[Right], None]]:
    """Takes a right away; it comes back after the test."""
    launcher = connect(plane_of(workshop))
    rbac = client.RbacAuthorizationV1Api(config.new_client_from_config(str(names.ADMIN)))

    def grant(granted: list[Right]) -> None:
        rbac.patch_namespaced_role(ROLE, kind.name, {"rules": rules(granted)})
        # the API server's authorizer learns of a changed role from a watch
        for attempt in Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.1)):
            with attempt:
                assert [one for one in RIGHTS if launcher.may(one.verb, one.resource, one.subresource)] == granted

    yield lambda right: grant([one for one in RIGHTS if one != right])
    grant(list(RIGHTS))


def rules(rights: list[Right]) -> list[dict[str, Any]]:
    return [{"apiGroups": [""], "resources": [str(one).partition(" ")[2]], "verbs": [one.verb]} for one in rights]


def plane_of(workshop: Workshop) -> KubernetesPlane:
    plane = workshop.plane
    assert isinstance(plane, KubernetesPlane)
    return plane


def test_the_role_of_a_local_cluster_grants_these_rights_and_no_other() -> None:
    documents = yaml.safe_load_all((names.HERE / "manifests" / "launcher.yaml").read_text())
    (role,) = [one for one in documents if one["kind"] == "Role"]
    granted = {f"{verb} {resource}" for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert granted == {str(right) for right in RIGHTS}
    assert all(rule["apiGroups"] == [""] for rule in role["rules"])


@pytest.mark.parametrize("right", [pytest.param(right, id=str(right)) for right in RIGHTS])
def test_the_doctor_names_the_right_that_is_missing(
    workshop: Workshop, without: Callable[[Right], None], right: Right
) -> None:
    without(right)
    findings = list(examine(plane_of(workshop), connect, code_version=None))
    failed = [finding for finding in findings if finding.state == "failed"]
    named = failed[0]
    assert named.what == f"may {right}"
    assert right.why in named.found
    resource = str(right).partition(" ")[2]
    assert named.remedy == f"Add verb {right.verb!r} on {resource!r} to the launcher's Role."


def run(workshop: Workshop) -> RunResult:
    return workshop.run("says", force=True)


def test_without_create_nothing_is_launched(workshop: Workshop, without: Callable[[Right], None]) -> None:
    without(RIGHTS[0])
    verdict = run(workshop).verdict
    assert verdict.category is Category.PLANE_DENIED
    assert "cannot create resource" in verdict.text()


def test_without_watch_a_run_is_not_believed_to_have_ended(workshop: Workshop, without: Callable[[Right], None]) -> None:
    without(next(right for right in RIGHTS if right.verb == "watch"))
    verdict = run(workshop).verdict
    assert verdict.category is Category.PLANE_DENIED
    (attempt,) = workshop.state.attempts("says", workshop.plan("says").run_key)
    assert attempt.record is None, "it goes on, so it has no verdict; the next launcher attaches to it"


def test_without_get_an_attempt_is_not_found_again(workshop: Workshop, without: Callable[[Right], None]) -> None:
    context, _ = workshop.prepare("says")
    without(next(right for right in RIGHTS if str(right) == "get pods"))
    launcher = launcher_of(workshop.plane)
    with pytest.raises(PolarpodError) as caught:
        launcher.attach(context, Listener(), orphaned=True)
    assert caught.value.verdict.category is Category.PLANE_DENIED


def test_without_delete_the_pod_stays_and_the_verdict_is_right_all_the_same(
    workshop: Workshop, without: Callable[[Right], None]
) -> None:
    without(next(right for right in RIGHTS if right.verb == "delete"))
    assert run(workshop).verdict.succeeded, "a failing clean-up hides no success"
    assert workshop.site.leftovers(workshop), "but somebody has to take the pod away"


def test_without_list_there_is_no_sweep(workshop: Workshop, without: Callable[[Right], None]) -> None:
    without(next(right for right in RIGHTS if str(right) == "list pods"))
    with pytest.raises(PolarpodError) as caught:
        find_left_pods(connect(plane_of(workshop)), {}, now=dt.datetime.now(dt.UTC))
    assert caught.value.verdict.category is Category.PLANE_DENIED


def test_without_the_log_a_run_succeeds_and_says_that_its_log_is_missing(
    workshop: Workshop, without: Callable[[Right], None]
) -> None:
    assert b"hello from the pod" in run(workshop).log
    without(next(right for right in RIGHTS if right.subresource == "log"))
    ran = run(workshop)
    assert ran.verdict.succeeded
    assert ran.log == b"(polarpod: this log cannot be shown: the launcher may not get pods/log in this namespace)\n"


def test_without_events_a_pod_that_does_not_start_is_not_explained(
    workshop: Workshop, without: Callable[[Right], None], tmp_path: Path
) -> None:
    cluster = connect(plane_of(workshop))
    without(next(right for right in RIGHTS if right.resource == "events"))
    assert cluster.events(secrets.token_hex(16)) == [], "missing events are soft: they only explain"


def test_the_example_plane_of_the_local_cluster_is_the_one_that_was_made() -> None:
    plane = load_planes(Path(__file__).parents[2] / "dags" / "planes.yaml", {})["kind"]
    assert isinstance(plane, KubernetesPlane)
    assert Path(str(plane.kubeconfig)) == names.LAUNCHER
    assert plane.namespace == names.NAMESPACE
