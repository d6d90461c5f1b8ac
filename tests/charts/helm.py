"""Charts as an installation would have them, without a cluster: `helm template` and what comes out of it."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHARTS = Path(__file__).parents[2] / "charts"
NAMES = sorted(path.parent.name for path in CHARTS.glob("*/Chart.yaml"))
# what a development build of helm would assume otherwise is years old
KUBERNETES = "1.34.0"
NAMESPACE = "etl"
# the one that people have, and the one that they will have
HELMS = ("helm", "helm4")
REQUIRED = "POLARPOD_CLUSTER_REQUIRED"


class Refused(Exception):
    """Helm did not render: what it said."""


def need(*tools: str) -> None:
    """Skips with one line where a tool is not there; fails where the whole tool set was promised."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        lacking(f"no {', '.join(missing)} on $PATH")


def lacking(reason: str) -> None:
    """Ends a test that cannot run here."""
    pytest.fail(reason, pytrace=False) if os.environ.get(REQUIRED) == "1" else pytest.skip(reason)


@cache
def folder_of(chart: str) -> Path:
    """A chart as it can be rendered: itself, or a copy with those packed into it that it needs."""
    needed = yaml.safe_load((CHARTS / chart / "Chart.yaml").read_text()).get("dependencies", [])
    if not needed:
        return CHARTS / chart
    made = Path(tempfile.mkdtemp(prefix="polarpod-charts-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for name in (chart, *(one["name"] for one in needed)):
        shutil.copytree(CHARTS / name, made / name, ignore=shutil.ignore_patterns("Chart.lock", "*.tgz"))
    command = ["helm", "dependency", "update", "--skip-refresh", str(made / chart)]
    subprocess.run(command, check=True, capture_output=True)
    return made / chart


def scenarios(chart: str) -> list[str]:
    """The names of ci/*-values.yaml, and of values-*.yaml, which people install with."""
    folder = CHARTS / chart
    given = [path.name.removesuffix("-values.yaml") for path in (folder / "ci").glob("*-values.yaml")]
    return sorted(given + [path.stem.removeprefix("values-") for path in folder.glob("values-*.yaml")])


def every_scenario() -> list[tuple[str, str]]:
    """Chart and scenario, of all charts."""
    return [(chart, name) for chart in NAMES for name in scenarios(chart)]


def scenario_path(chart: str, name: str) -> Path:
    path = CHARTS / chart / f"values-{name}.yaml"
    return path if path.exists() else CHARTS / chart / "ci" / f"{name}-values.yaml"


def values_of(chart: str, scenario: str) -> dict[str, Any]:
    """What a scenario sets."""
    return yaml.safe_load(scenario_path(chart, scenario).read_text()) or {}


@cache
def text_of(chart: str, scenario: str, helm: str = "helm") -> str:
    """What a scenario renders to. Kept: many tests look at the same one."""
    return template(chart, scenario_path(chart, scenario), helm=helm)


def documents_of(chart: str, scenario: str, helm: str = "helm") -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(text_of(chart, scenario, helm)) if one]


def template(chart: str, *values: Path, helm: str = "helm", release: str | None = None, namespace: str = NAMESPACE) -> str:
    """Raises Refused. By default the release is called as the chart is."""
    command = [helm, "template", release or chart, str(folder_of(chart)), "--namespace", namespace]
    command += ["--kube-version", KUBERNETES]
    for path in values:
        command += ["--values", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def the_only(documents: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    found = [one for one in documents if one["kind"] == kind and name in (None, one["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of kind {kind}, name {name or 'any'}"
    return found[0]


def pod_specs(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """ "Kind/name" -> the spec of the pods it makes."""
    found = {}
    for one in documents:
        spec = one.get("spec") or {}
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if one["kind"] in ("CronJob", "Job", "Deployment", "StatefulSet"):
            spec = spec["template"]["spec"]
        elif one["kind"] != "Pod":
            continue
        found[f"{one['kind']}/{one['metadata']['name']}"] = spec
    return found
