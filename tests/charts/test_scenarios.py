"""Whole installations, rendered by the helms that people have: what Kubernetes makes of them."""

from __future__ import annotations

import json
import subprocess
from typing import Any, NamedTuple

import pytest
from tests.charts.helm import (
    HELMS,
    KUBERNETES,
    documents_of,
    every_scenario,
    folder_of,
    need,
    pod_specs,
    scenario_path,
    text_of,
    values_of,
)
from tests.charts.kubernetes_schemas import schemas

# their definitions come with other projects
CUSTOM = ("LocalQueue", "ExternalSecret")
OF_THE_CLUSTER = ("Namespace", "PriorityClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
LABELS = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/component",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}


class Scenario(NamedTuple):
    """A chart with values."""

    chart: str
    name: str


@pytest.fixture(params=[pytest.param(Scenario(*one), id=" ".join(one)) for one in every_scenario()])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    need("helm")
    found = request.param
    assert isinstance(found, Scenario)
    return found


@pytest.fixture
def documents(scenario: Scenario) -> list[dict[str, Any]]:
    return documents_of(*scenario)


def steady(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same without what is made up anew each time: of a Secret's values, how long they are."""
    return [
        one | {"stringData": {key: len(value) for key, value in one["stringData"].items()}} if "stringData" in one else one
        for one in documents
    ]


@pytest.mark.parametrize("helm", [pytest.param(name, id=name) for name in HELMS])
def test_it_passes_the_linter(helm: str, scenario: Scenario) -> None:
    need(helm)
    command = [helm, "lint", "--strict", str(folder_of(scenario.chart)), "--kube-version", KUBERNETES]
    done = subprocess.run([*command, "--values", str(scenario_path(*scenario))], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_helm_4_makes_the_same_of_it(scenario: Scenario) -> None:
    need("helm4")
    assert steady(documents_of(*scenario, "helm4")) == steady(documents_of(*scenario))


def test_kubernetes_knows_every_field(scenario: Scenario) -> None:
    need("kubeconform")
    location = schemas(KUBERNETES)
    command = ["kubeconform", "-strict", "-summary", "-output", "json", "-kubernetes-version", KUBERNETES]
    command += ["-skip", ",".join(CUSTOM), "-schema-location", f"{location}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"]
    done = subprocess.run(command, input=text_of(*scenario), capture_output=True, text=True, check=False)
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


def test_every_object_wears_the_recommended_labels(documents: list[dict[str, Any]]) -> None:
    for one in documents:
        if one["metadata"]["name"] in ("polarpod-egress-test", "company-ca"):
            continue  # one is a worker to every policy, the other is the user's own
        assert set(one["metadata"]["labels"]) >= LABELS, f"{one['kind']} {one['metadata']['name']}"


def selectors_in(node: Any) -> list[str]:
    """All that pods are found by, wherever it is."""
    if isinstance(node, list):
        return [found for one in node for found in selectors_in(one)]
    if not isinstance(node, dict):
        return []
    here = [json.dumps(value) for key, value in node.items() if key in ("selector", "podSelector")]
    return here + [found for value in node.values() for found in selectors_in(value)]


def test_no_selector_goes_by_what_changes_with_a_release(documents: list[dict[str, Any]]) -> None:
    found = selectors_in(documents)
    for selector in found:
        assert "helm.sh/chart" not in selector
        assert "app.kubernetes.io/version" not in selector


def test_every_pod_is_one_that_pod_security_restricted_takes(documents: list[dict[str, Any]]) -> None:
    for name, spec in pod_specs(documents).items():
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is (spec.get("serviceAccountName") == "polarpod-launcher"), name
        assert spec["enableServiceLinks"] is False, name
        for container in spec["containers"] + spec.get("initContainers", []):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_no_limit_range_changes_a_pod(documents: list[dict[str, Any]]) -> None:
    for name, spec in pod_specs(documents).items():
        for container in spec["containers"] + spec.get("initContainers", []):
            assert set(container["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}, name
            assert set(container["resources"]["limits"]) == {"memory", "ephemeral-storage"}, name


def test_no_account_has_its_token_mounted_unasked(documents: list[dict[str, Any]]) -> None:
    accounts = [one for one in documents if one["kind"] == "ServiceAccount"]
    assert len(accounts) >= 2
    assert all(one["automountServiceAccountToken"] is False for one in accounts)


def test_nothing_is_the_whole_clusters_unless_it_was_asked_for(documents: list[dict[str, Any]], scenario: Scenario) -> None:
    found = {one["kind"] for one in documents} & set(OF_THE_CLUSTER)
    asked = values_of(*scenario)
    if not any(key in asked for key in ("admissionPolicy", "namespace", "priorityClass")):
        assert found == set()
    assert all("namespace" in one["metadata"] for one in documents if one["kind"] not in OF_THE_CLUSTER)


def test_no_hook_runs_but_in_a_test(documents: list[dict[str, Any]]) -> None:
    hooks = {(one["metadata"].get("annotations") or {}).get("helm.sh/hook") for one in documents}
    assert hooks <= {None, "test"}
