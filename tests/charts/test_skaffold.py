"""skaffold.yaml, as far as it can be read without skaffold: what it names is there, and each profile does its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.charts.helm import CHARTS
from tools.stack.names import DEV_NAMESPACE, DEV_RELEASE, NAMESPACE, RELEASE

ROOT = CHARTS.parent
SKAFFOLD: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
PROFILES = {one["name"]: one for one in SKAFFOLD["profiles"]}
ARTIFACTS = [*SKAFFOLD["build"]["artifacts"], *PROFILES["eks"]["build"]["artifacts"]]
RELEASES = [
    *((one, "polarpod-local") for one in SKAFFOLD["deploy"]["helm"]["releases"]),
    *((one, "polarpod") for one in PROFILES["eks"]["deploy"]["helm"]["releases"]),
]


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda one: one["image"])
def test_what_an_image_is_made_of_is_there(artifact: dict[str, Any]) -> None:
    context = ROOT / artifact["context"]
    paths = artifact["custom"]["dependencies"]["paths"]
    assert [path for path in paths if not (context / path).exists()] == []


@pytest.mark.parametrize(("release", "chart"), RELEASES, ids=["local", "eks"])
def test_every_value_that_is_set_is_one_of_the_chart(release: dict[str, Any], chart: str) -> None:
    assert ROOT / release["chartPath"] == CHARTS / chart
    assert [name for name in release["valuesFiles"] if not (ROOT / name).exists()] == []
    values = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    plane = yaml.safe_load((CHARTS / "polarpod/values.yaml").read_text())
    unknown = []
    for name in release["setValueTemplates"]:
        place = plane if name.startswith("polarpod.") else values
        for key in name.removeprefix("polarpod.").split("."):
            if not isinstance(place, dict) or key not in place:
                unknown.append(name)
                break
            place = place[key]
    assert unknown == []


def test_every_image_is_named_in_the_release_that_deploys_it() -> None:
    for (release, _), artifacts in zip(
        RELEASES, (SKAFFOLD["build"]["artifacts"], PROFILES["eks"]["build"]["artifacts"]), strict=True
    ):
        named = msgspec.json.encode(release["setValueTemplates"]).decode()
        assert [one["image"] for one in artifacts if one["image"].replace("-", "_") not in named] == []


def test_only_a_cluster_on_this_machine_is_forwarded_from_and_verified() -> None:
    assert [key for key in ("portForward", "verify") if key in SKAFFOLD or key in PROFILES["eks"]] == []
    assert {"portForward", "verify"} <= set(PROFILES["kind"])


def test_dags_are_synced_to_where_the_image_has_them() -> None:
    (sync,) = [one["sync"]["manual"] for one in SKAFFOLD["build"]["artifacts"] if "sync" in one]
    dockerfile = (ROOT / "images/airflow/Dockerfile").read_text()
    for rule in sync:
        folder = Path(rule["src"]).parts[0]
        assert f"COPY {folder} {rule['dest']}/{folder}" in dockerfile


def test_skaffold_has_a_release_and_a_namespace_of_its_own() -> None:
    """It uninstalls its release whenever it ends, even where its build failed: never that of `make up`."""
    (local,) = SKAFFOLD["deploy"]["helm"]["releases"]
    assert (local["name"], local["namespace"]) == (DEV_RELEASE, DEV_NAMESPACE)
    assert DEV_RELEASE != RELEASE
    assert DEV_NAMESPACE != NAMESPACE
    smoke = yaml.safe_load((ROOT / "tools/stack/smoke-job.yaml").read_text())
    forwarded = PROFILES["kind"]["portForward"]
    assert {smoke["metadata"]["namespace"], *(one["namespace"] for one in forwarded)} == {DEV_NAMESPACE}


def test_the_cluster_is_checked_before_the_deploy_phase() -> None:
    (check,) = SKAFFOLD["test"]
    assert check["image"] in {one["image"] for one in SKAFFOLD["build"]["artifacts"]}
    assert [one["command"] for one in check["custom"]] == [".venv/dev/bin/python -m tools.stack check"]
