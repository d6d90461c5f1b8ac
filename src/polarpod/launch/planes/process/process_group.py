"""Ends a worker and every process that it has started: all of them are one process group."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

# The supervisor enforces the deadline itself; its launcher only acts where the supervisor is stuck.
SLACK_SECONDS = 5.0


def end_worker(process: subprocess.Popen[bytes]) -> None:
    """Ends every process of a worker. One that still runs (this launcher was interrupted, or an Airflow timeout occurred)
    gets SIGTERM first, so that it can write its receipt."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=SLACK_SECONDS)
    end_group(process.pid)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=SLACK_SECONDS)
    # a dying process may still finish a system call that creates a file; the scratch directory must be removed after that
    limit = time.monotonic() + SLACK_SECONDS
    while _group_lives(process.pid) and time.monotonic() < limit:
        time.sleep(0.01)


def end_group(pid: int) -> None:
    """Kills the rest of the worker's process group (the worker leads it: it was started in a session of its own)."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _group_lives(pid: int) -> bool:
    """Whether a process of the group still runs. A zombie that init has not reaped yet does not count."""
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):  # macOS returns EPERM for a group of zombies
        return False
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # after the name, which may contain any character: state, parent, group
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if int(group) == pid and state not in "ZX":
                return True
    return False
