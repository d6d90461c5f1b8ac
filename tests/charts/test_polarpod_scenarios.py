"""Whole installations of the worker plane: what polarpod makes of them."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.charts.helm import documents_of, need, pod_specs, scenarios, the_only, values_of
from tests.launch.kubernetes.attempts import CONTEXT, data_of

from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.permissions import RIGHTS
from polarpod.launch.planes.kubernetes.render.template import pod_of
from polarpod.launch.planes_file import load_planes

SCENARIOS = scenarios("polarpod")
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


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


def test_polarpod_reads_the_plane(documents: list[dict[str, Any]], scenario: str, tmp_path: Path) -> None:
    plane = plane_in(documents, tmp_path)
    asked = values_of("polarpod", scenario)["plane"]
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


def test_an_image_is_named_by_its_digest_where_one_is_given(documents: list[dict[str, Any]], scenario: str) -> None:
    asked = values_of("polarpod", scenario)["image"]
    images = {container["image"] for spec in pod_specs(documents).values() for container in spec["containers"]}
    assert len(images) == (1 if scenario == "fargate" else 2), "the launcher's; a worker's where egress is tried"
    assert {bool(DIGEST.fullmatch(image)) for image in images} == {"digest" in asked}


def test_a_pod_gets_the_memory_that_it_asks_for(documents: list[dict[str, Any]]) -> None:
    for name, spec in pod_specs(documents).items():
        for container in spec["containers"]:
            resources = container["resources"]
            assert resources["requests"]["memory"] == resources["limits"]["memory"], name


def test_no_range_holds_the_instance_metadata(documents: list[dict[str, Any]]) -> None:
    hidden = [ipaddress.ip_network("169.254.169.254/32"), ipaddress.ip_network("fd00:ec2::254/128")]
    for policy in [one for one in documents if one["kind"] == "NetworkPolicy"]:
        for rule in policy["spec"]["egress"]:
            for block in [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]:
                network = ipaddress.ip_network(block["cidr"])
                for address in hidden:
                    if address.version == network.version and address.subnet_of(network):
                        assert str(address) in block["except"]
