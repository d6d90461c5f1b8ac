"""Charts as an installation would have them, without a cluster: `helm template` and what comes out of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHARTS = Path(__file__).parents[2] / "charts"
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


def scenarios(chart: str) -> list[str]:
    """The names of ci/*-values.yaml."""
    return sorted(path.name.removesuffix("-values.yaml") for path in (CHARTS / chart / "ci").glob("*-values.yaml"))


def scenario_path(chart: str, name: str) -> Path:
    return CHARTS / chart / "ci" / f"{name}-values.yaml"


@cache
def text_of(chart: str, scenario: str, helm: str = "helm") -> str:
    """What a scenario renders to. Kept: many tests look at the same one."""
    return template(chart, scenario_path(chart, scenario), helm=helm)


def documents_of(chart: str, scenario: str, helm: str = "helm") -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(text_of(chart, scenario, helm)) if one]


def template(chart: str, *values: Path, helm: str = "helm", release: str = "polarpod", namespace: str = NAMESPACE) -> str:
    """Raises Refused."""
    command = [helm, "template", release, str(CHARTS / chart), "--namespace", namespace, "--kube-version", KUBERNETES]
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
