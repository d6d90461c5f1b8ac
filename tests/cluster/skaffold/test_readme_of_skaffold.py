"""The README's skaffold commands run in order, as printed: build, deploy, and a DAG of real jobs seen through.

They take the ports of the stack of `make up`, which is removed first, as the README says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from tests.docs.commands import ROOT, of_section
from tools.cluster.names import ADMIN
from tools.stack.names import DEV_NAMESPACE, DEV_RELEASE
from tools.stack.release import helm

LINES = of_section(ROOT / "README.md", "Run the whole stack in a cluster")
BUILT = ROOT / "built.json"


@pytest.fixture
def no_stack() -> Iterator[None]:
    if not shutil.which("skaffold"):
        pytest.skip("there is no skaffold on $PATH")
    _run(next(line for line in LINES if line.endswith("tools.stack down")))
    try:
        yield
    finally:
        helm("uninstall", DEV_RELEASE, "--ignore-not-found", "--wait", namespace=DEV_NAMESPACE)
        BUILT.unlink(missing_ok=True)


@pytest.mark.timeout(3600)
def test_the_skaffold_commands_run_in_order_as_printed(no_stack: None) -> None:
    lines = [line for line in LINES if line.startswith("skaffold") and line != "skaffold dev"]
    assert [line.split()[1] for line in lines] == ["build", "deploy", "verify"]
    for line in lines:
        _run(line)


def _run(line: str) -> None:
    environment = {**os.environ, "KUBECONFIG": str(ADMIN), "SKAFFOLD_INTERACTIVE": "false"}
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{(done.stdout + done.stderr)[-4000:]}"
