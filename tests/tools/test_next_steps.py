"""The commands that `make cluster` prints at its end work as printed, for a cluster of another name too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _printed(environment: dict[str, str]) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("POLARPOD_CLUSTER_")}
    command = [sys.executable, "-c", "from tools.cluster.__main__ import next_steps; print(next_steps())"]
    return subprocess.run(
        command, cwd=ROOT, env={**variables, **environment}, check=True, capture_output=True, text=True
    ).stdout


def test_the_default_cluster_needs_no_variables() -> None:
    assert "export" not in _printed({})


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"POLARPOD_CLUSTER_NAME": "other"}, id="name"),
        pytest.param({"POLARPOD_CLUSTER_NAME": "other", "POLARPOD_CLUSTER_PORT": "31900"}, id="name and port"),
        pytest.param({"POLARPOD_CLUSTER_PORT": "31900"}, id="port"),
    ],
)
def test_another_cluster_is_exported_before_the_commands_that_mean_it(environment: dict[str, str]) -> None:
    lines = [line.strip() for line in _printed(environment).strip().splitlines()]
    assert lines[0] == "try next:"
    # in a new shell the exported variables give the same cluster and the same plane
    script = f"{lines[1]} && {sys.executable} -c 'from tools.cluster import names; print(names.CLUSTER, names.PORT)' && env"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("POLARPOD_CLUSTER_")}
    said = subprocess.run(["sh", "-c", script], cwd=ROOT, env=bare, check=True, capture_output=True, text=True).stdout
    name = environment.get("POLARPOD_CLUSTER_NAME", "polarpod")
    assert said.splitlines()[0] == f"{name} {environment.get('POLARPOD_CLUSTER_PORT', '30900')}"
    home = ROOT / ".polarpod" / ("cluster" if name == "polarpod" else name)
    # absolute: planes.yaml would read a relative one against its own folder
    assert f"POLARPOD_CLUSTER_HOME={home}" in said.splitlines()
    assert any("polarpod run" in line for line in lines[2:])
