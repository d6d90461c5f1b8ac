"""This machine as a site: workers are child processes, in a scratch directory of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from tests.support.site import Said

from polarpod.contract.context import Context
from polarpod.launch.planes.process import launcher as process
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.store.location import join

if TYPE_CHECKING:
    from tests.support.workshop import Workshop

_started: dict[str, subprocess.Popen[bytes]] = {}
_start = process.start_worker


def _remember(plane: ProcessPlane, environment: Any, scratch: Path, *rest: Any) -> subprocess.Popen[bytes]:
    """The launcher tells nobody its worker's process id; tests want it from the very first instant."""
    _started[scratch.name] = _start(plane, environment, scratch, *rest)
    return _started[scratch.name]


process.start_worker = _remember


class Machine:
    """The `process` plane."""

    victims = ("child", "supervisor", "group")

    def plane(self, workshop: Workshop) -> ProcessPlane:
        return ProcessPlane(
            state=join(workshop.lake, "_state"),
            variables={"lake": workshop.lake},
            storage=workshop.storage,
            environment={**workshop.environment, **workshop.extra_environment},
            environment_from=list(workshop.environment_from),
            python=sys.executable,
            jobs=str(workshop.jobs),
            scratch=str(workshop.root / "scratch"),
            max_memory=workshop.max_memory,
        )

    def leftovers(self, workshop: Workshop) -> list[str]:
        """Scratch directories."""
        scratch = workshop.root / "scratch"
        return sorted(path.name for path in scratch.iterdir()) if scratch.is_dir() else []

    def body(self, workshop: Workshop, uid: str) -> Processes:
        plane = workshop.plane
        assert isinstance(plane, ProcessPlane)
        return Processes(Path(plane.scratch or "") / f"polarpod-{uid}", uid)

    def with_changed_context(
        self, workshop: Workshop, context: Context, data: bytes, change: Callable[[bytes], bytes], *, signed: bool
    ) -> Said:
        plane = workshop.plane
        assert isinstance(plane, ProcessPlane)
        with tempfile.TemporaryDirectory() as name:
            environment = process.worker_environment(data, plane, Path(name), watch_memory=False)
            del environment["POLARPOD_LAUNCHER_PID"]
            Path(environment["POLARPOD_CONTEXT_URI"]).write_bytes(change(data))
            if not signed:
                del environment["POLARPOD_CONTEXT_SHA256"]
            command = [sys.executable, "-I", "-m", "polarpod.runtime"]
            done = subprocess.run(command, env=environment, cwd=name, capture_output=True, check=False)
        return Said(done.returncode, done.stderr.decode())


class Processes:
    """A worker's, from its first instant on."""

    def __init__(self, scratch: Path, uid: str) -> None:
        self.scratch = scratch
        self._uid = uid
        self._pid: int | None = None

    def born(self) -> bool:
        return self.scratch.name in _started

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        if self._pid is None:
            self._pid = _started.pop(self.scratch.name).pid
        return self._pid

    @property
    def child(self) -> int | None:
        """The process id of the supervisor's child, where there is one."""
        with suppress(OSError, IndexError):
            return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])
        return None

    def signal(self, number: signal.Signals, victim: str) -> bool:
        pid = self.child if victim == "child" else self.pid
        if pid is None or not alive(pid):
            return False
        with suppress(ProcessLookupError):
            os.killpg(pid, number) if victim == "group" else os.kill(pid, number)
            return True
        return False

    def kill_in(self, seconds: float, victim: str) -> bool:
        while not self.signal(signal.SIGCONT, victim):
            if not alive(self.pid):
                return False
            time.sleep(0.001)
        time.sleep(seconds)
        return self.signal(signal.SIGKILL, victim)

    def stands_still(self) -> bool:
        child = self.child
        try:
            return child is not None and psutil.Process(child).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    def assert_gone(self) -> None:
        assert_gone(self.pid, self._uid)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def processes_of(pid: int, uid: str) -> list[psutil.Process]:
    """Living processes of a worker: of its session, or with its scratch directory in the environment they started with."""
    found = []
    for candidate in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            ours = os.getsid(candidate.pid) == pid or uid in candidate.environ().get("POLARPOD_SCRATCH", "")
            if ours and alive(candidate.pid):
                found.append(candidate)
    return found


def assert_gone(pid: int, uid: str) -> None:
    """No process of the worker lives. A killed one may need a moment to die, so a short look back is granted."""
    _, left = psutil.wait_procs(processes_of(pid, uid), timeout=5)
    assert not [one for one in left if alive(one.pid)]
