"""The faults on a cluster stop a worker at points of its work; here it is seen that these points exist."""

from __future__ import annotations

import subprocess
import sys

from tests.cluster.faults.yard import HOLD


def test_the_job_module_that_stops_its_worker_can_be_imported() -> None:
    done = subprocess.run([sys.executable, "-c", HOLD], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
