"""Ends a worker and whatever it has started: all of them are one process group."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

# The supervisor enforces the deadline itself; its launcher only steps in for one that is stuck.
SLACK_SECONDS = 5.0


def end_worker(process: subprocess.Popen[bytes]) -> None:
    """Leaves nothing of a worker. One that still runs (this launcher was interrupted, or an Airflow timeout came) is asked
    first, so that it can write its receipt."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=SLACK_SECONDS)
    end_group(process.pid)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=SLACK_SECONDS)
    # who is dying may yet finish a system call that makes a file; the scratch directory must go after that
    limit = time.monotonic() + SLACK_SECONDS
    while _group_lives(process.pid) and time.monotonic() < limit:
        time.sleep(0.01)


def end_group(pid: int) -> None:
    """Kills whatever is left of the worker's process group (the worker leads it: it was started in a session of its own)."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _group_lives(pid: int) -> bool:
    """Whether a process of the group still runs. One that is dead and waits for init to take note does not."""
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):  # macOS answers a group of the dead with EPERM
        return False
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # after the name, which may hold anything: state, parent, group
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if int(group) == pid and state not in "ZX":
                return True
    return False
