"""The README's commands for pods run in order, as printed, on the plane and the cluster of `make cluster`."""

from __future__ import annotations

import os
import subprocess

import pytest
from tests.docs.commands import ROOT, of_section
from tools.cluster.names import CLUSTER

LINES = of_section(ROOT / "README.md", "Run it in a pod")


@pytest.mark.skipif(CLUSTER != "polarpod", reason="the commands as printed mean the default cluster")
def test_the_commands_for_pods_run_in_order_as_printed() -> None:
    # the first made the cluster that this runs on, and the last is what runs this
    assert (LINES[0], LINES[-1]) == ("make cluster", "make test-cluster")
    environment = {**os.environ, "PATH": f"{ROOT}/.venv/dev/bin:{os.environ['PATH']}"}
    for line in LINES[1:-1]:
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
