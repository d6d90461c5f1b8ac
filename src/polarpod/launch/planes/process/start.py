"""Starts a worker's interpreter, or another module in the same way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.process.cgroup import Cgroup
from polarpod.launch.planes.process.config import ProcessPlane

# joins the cgroup before the interpreter starts, so that no page is counted elsewhere
_JOIN = 'echo $$ > "$0" && exec "$@"'


def start_worker(
    plane: ProcessPlane,
    environment: Mapping[str, str],
    scratch: Path,
    cgroup: Cgroup | None,
    log: int,
    module: str = "polarpod.runtime",
) -> subprocess.Popen[bytes]:
    # -I: no PYTHON* variables, no user site, no current directory on the path
    command = [plane.python or sys.executable, "-I", "-m", module]
    if cgroup:
        command = ["/bin/sh", "-c", _JOIN, str(cgroup.procs), *command]
    try:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the worker's interpreter cannot be started",
            evidence=[f"{command[0]}: {error.strerror}"],
            remedy="Set `python` of the plane to an interpreter that has polarpod[worker].",
        ) from error
