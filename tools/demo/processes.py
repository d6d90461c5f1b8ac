"""Child processes that can be ended with everything they started, however deep and in whatever session."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# linux/prctl.h
_SET_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
# asked, a job's worker leaves its receipt within a second or two; Airflow would rather drain its queue first
_PATIENCE = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


class Died(Exception):
    """A process that must run has ended; carries the end of its log."""


class Processes:
    """Named processes that run until `stop`."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        if sys.platform == "linux":
            # orphans become our children, so that none can hide behind a parent that is gone
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)

    def start(self, name: str, *command: str) -> None:
        with self._log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=self._environment,
                cwd=self._logs,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for us alone: we end them in order
                start_new_session=True,
                # there are no threads here that it could hurt
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )

    def wait(self, name: str) -> None:
        """Waits for one to end well. Raises Died where it does not."""
        if self._running.pop(name).wait():
            raise Died(f"{name} failed\n{self.tail(name)}")

    def check(self) -> None:
        """Raises Died where one has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Died(f"{name} ended with exit code {process.returncode}\n{self.tail(name)}")

    def tail(self, name: str, lines: int = 30) -> str:
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> list[int]:
        """Ends them all and whatever they started. Returns the process ids that even that did not end."""
        family: set[int] = set()
        for number, patience in _PATIENCE:
            family |= _descendants(os.getpid())
            _signal(family, number)
            limit = time.monotonic() + patience
            while time.monotonic() < limit:
                family = {pid for pid in family | _descendants(os.getpid()) if _alive(pid)}
                if not family:
                    return []
                time.sleep(0.1)
        return sorted(family)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def output_of(command: Sequence[str], environment: Mapping[str, str], *, cwd: Path) -> str:
    """Runs a short command to its end and returns what it said. Raises Died where it fails."""
    done = subprocess.run(command, env=dict(environment), cwd=cwd, text=True, capture_output=True, check=False)
    if done.returncode:
        raise Died(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def _descendants(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        more = [pid for pid in children.get(waiting.pop(), []) if pid not in found]
        found.update(more)
        waiting += more
    return found


def _parents() -> list[tuple[int, int]]:
    """(process, its parent) of everything on this machine."""
    if sys.platform != "linux":
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], text=True, capture_output=True, check=True).stdout
        return [(int(line.split()[0]), int(line.split()[1])) for line in listed.splitlines()]
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # gone in between; the name in the second field may hold spaces and parentheses
            with suppress(OSError):
                found.append((int(entry.name), int((entry / "stat").read_text().rpartition(")")[2].split()[1])))
    return found


def _alive(pid: int) -> bool:
    with suppress(ChildProcessError):
        # collects it where it is a child of ours that has ended
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
