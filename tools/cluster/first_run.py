"""The first job in the cluster: what the next one reads, and the proof that all of it works together."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools.cluster.command import run
from tools.cluster.lake import FIRST
from tools.cluster.names import HOME

POLARPOD = Path(sys.executable).parent / "polarpod"


def clean_flights() -> str:
    """Runs `clean_flights` for the first day in a pod. Returns the verdict's line; a standing receipt is as good."""
    command = [POLARPOD, "run", "clean_flights", "--plane", "kind", "--param", f"ds={FIRST}"]
    os.environ["POLARPOD_CLUSTER_HOME"] = str(HOME)
    return run(*command, remedy="The lines above say what; `polarpod show RUN` says more.").strip().partition("\n")[0]
