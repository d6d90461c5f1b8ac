"""Whole installations, rendered by the helms that people have: what Kubernetes and polarpod make of them."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.charts.helm import (
    CHARTS,
    HELMS,
    KUBERNETES,
    documents_of,
    need,
    pod_specs,
    scenario_path,
    scenarios,
    text_of,
    the_only,
)
from tests.charts.kubernetes_schemas import schemas
from tests.launch.kubernetes.attempts import CONTEXT, data_of

from polarpod.launch.kubernetes.rights import RIGHTS
from polarpod.launch.kubernetes.template import pod_of
from polarpod.launch.plane import KubernetesPlane
from polarpod.launch.planes import load_planes

SCENARIOS = scenarios("polarpod")
# their definitions come with other projects
CUSTOM = ("LocalQueue", "ExternalSecret")
OF_THE_CLUSTER = ("Namespace", "PriorityClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
LABELS = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/component",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}


@pytest.fixture(params=[pytest.param(name, id=name) for name in SCENARIOS])
def scenario(request: pytest.FixtureRequest) -> str:
    need("helm")
    return str(request.param)


@pytest.fixture
def documents(scenario: str) -> list[dict[str, Any]]:
    return documents_of("polarpod", scenario)


def plane_in(documents: list[dict[str, Any]], folder: Path) -> KubernetesPlane:
    """The plane as a launcher reads it that mounts the ConfigMap."""
    data = the_only(documents, "ConfigMap", "polarpod-plane")["data"]
    for name, text in data.items():
        (folder / name).write_text(text)
    (plane,) = load_planes(folder / "planes.yaml", {}).values()
    assert isinstance(plane, KubernetesPlane)
    return plane


def test_there_is_a_scenario_for_every_place() -> None:
    assert set(SCENARIOS) >= {"default", "eks-pod-identity", "eks-irsa", "fargate", "kueue", "mwaa"}


@pytest.mark.parametrize("helm", [pytest.param(name, id=name) for name in HELMS])
def test_it_passes_the_linter(helm: str, scenario: str) -> None:
    need(helm)
    command = [helm, "lint", "--strict", str(CHARTS / "polarpod"), "--kube-version", KUBERNETES]
    done = subprocess.run(
        [*command, "--values", str(scenario_path("polarpod", scenario))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_helm_4_makes_the_same_of_it(scenario: str) -> None:
    need("helm4")
    assert documents_of("polarpod", scenario, "helm4") == documents_of("polarpod", scenario)


def test_kubernetes_knows_every_field(scenario: str, tmp_path: Path) -> None:
    need("kubeconform")
    location = schemas(KUBERNETES)
    command = ["kubeconform", "-strict", "-summary", "-output", "json", "-kubernetes-version", KUBERNETES]
    command += ["-skip", ",".join(CUSTOM), "-schema-location", f"{location}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"]
    done = subprocess.run(command, input=text_of("polarpod", scenario), capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == 0, answer["resources"]
    assert answer["summary"]["valid"] >= 10, answer["summary"]


def test_a_field_that_kubernetes_does_not_know_would_be_found() -> None:
    need("kubeconform")
    command = ["kubeconform", "-strict", "-kubernetes-version", KUBERNETES]
    command += ["-schema-location", f"{schemas(KUBERNETES)}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [], "hostNetwrok": True}}
    done = subprocess.run(command, input=json.dumps(pod), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "hostNetwrok" in done.stdout


def test_polarpod_reads_the_plane(documents: list[dict[str, Any]], scenario: str, tmp_path: Path) -> None:
    plane = plane_in(documents, tmp_path)
    asked = yaml.safe_load(scenario_path("polarpod", scenario).read_text())["plane"]
    assert plane.state == asked["state"]
    assert plane.namespace == "etl"
    assert plane.template == str(tmp_path / "pod.yaml")
    assert plane.storage.region == asked.get("storage", {}).get("region")
    assert plane.max_memory == asked.get("maxMemory")


def test_a_worker_can_be_made_of_plane_and_template(documents: list[dict[str, Any]], tmp_path: Path) -> None:
    plane = plane_in(documents, tmp_path)
    attempt = msgspec.structs.replace(CONTEXT, storage=plane.storage_of_workers)
    pod = pod_of(attempt, data_of(attempt), plane)
    accounts = {one["metadata"]["name"] for one in documents if one["kind"] == "ServiceAccount"}
    assert pod["spec"]["serviceAccountName"] in accounts
    assert pod["metadata"]["namespace"] == "etl"
    for policy in [
        one for one in documents if one["metadata"]["name"] == "polarpod-worker" and one["kind"] == "NetworkPolicy"
    ]:
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_the_launcher_may_do_what_polarpod_does_and_nothing_else(documents: list[dict[str, Any]]) -> None:
    rules = the_only(documents, "Role")["rules"]
    granted = [f"{verb} {resource}" for rule in rules for resource in rule["resources"] for verb in rule["verbs"]]
    assert sorted(granted) == sorted(str(right) for right in RIGHTS)
    assert all(rule["apiGroups"] == [""] and set(rule) == {"apiGroups", "resources", "verbs"} for rule in rules)


def test_every_object_wears_the_recommended_labels(documents: list[dict[str, Any]]) -> None:
    for one in documents:
        if one["metadata"]["name"] in ("polarpod-test-egress", "company-ca"):
            continue  # one is a worker to every policy, the other is the user's own
        assert set(one["metadata"]["labels"]) >= LABELS, f"{one['kind']} {one['metadata']['name']}"


def test_no_selector_goes_by_what_changes_with_a_release(documents: list[dict[str, Any]]) -> None:
    for policy in [one for one in documents if one["kind"] == "NetworkPolicy"]:
        selector = json.dumps(policy["spec"]["podSelector"])
        assert "helm.sh/chart" not in selector
        assert "app.kubernetes.io/version" not in selector


def test_an_image_is_named_by_its_digest_where_one_is_given(documents: list[dict[str, Any]], scenario: str) -> None:
    asked = yaml.safe_load(scenario_path("polarpod", scenario).read_text())["image"]
    images = {container["image"] for spec in pod_specs(documents).values() for container in spec["containers"]}
    assert len(images) == 1, "sweep, tests and workers run one image"
    assert bool(DIGEST.fullmatch(*images)) is ("digest" in asked)


def test_every_pod_is_one_that_pod_security_restricted_takes(documents: list[dict[str, Any]]) -> None:
    for name, spec in pod_specs(documents).items():
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is (spec["serviceAccountName"] == "polarpod-launcher"), name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            resources = container["resources"]
            assert resources["requests"]["memory"] == resources["limits"]["memory"], name


def test_no_account_has_its_token_mounted_unasked(documents: list[dict[str, Any]]) -> None:
    accounts = [one for one in documents if one["kind"] == "ServiceAccount"]
    assert len(accounts) >= 2
    assert all(one["automountServiceAccountToken"] is False for one in accounts)


def test_nothing_is_the_whole_clusters_unless_it_was_asked_for(documents: list[dict[str, Any]], scenario: str) -> None:
    found = {one["kind"] for one in documents} & set(OF_THE_CLUSTER)
    asked = yaml.safe_load(scenario_path("polarpod", scenario).read_text())
    if not any(key in asked for key in ("admissionPolicy", "namespace", "priorityClass")):
        assert found == set()
    assert all("namespace" in one["metadata"] for one in documents if one["kind"] not in OF_THE_CLUSTER)


def test_no_hook_runs_but_in_a_test(documents: list[dict[str, Any]]) -> None:
    hooks = {(one["metadata"].get("annotations") or {}).get("helm.sh/hook") for one in documents}
    assert hooks <= {None, "test"}


def test_no_range_holds_the_instance_metadata(documents: list[dict[str, Any]]) -> None:
    hidden = [ipaddress.ip_network("169.254.169.254/32"), ipaddress.ip_network("fd00:ec2::254/128")]
    for policy in [one for one in documents if one["kind"] == "NetworkPolicy"]:
        for rule in policy["spec"]["egress"]:
            for block in [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]:
                network = ipaddress.ip_network(block["cidr"])
                for address in hidden:
                    if address.version == network.version and address.subnet_of(network):  # type: ignore[arg-type]
                        assert str(address) in block["except"]
