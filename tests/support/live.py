"""One attempt as it happens: its worker under the plane's own launcher, and its processes within a test's reach."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from tests.support.workshop import Workshop

from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Verdict
from polarpod.launch import process
from polarpod.launch.plane import Plane
from polarpod.launch.process import run_worker
from polarpod.launch.run import Ports, Ran, record
from polarpod.launch.worker import Ended, Watcher, message_of

PATIENCE = 60.0  # far above what anything here takes, even with both cores taken by others; only a hang gets there
_started: dict[str, subprocess.Popen[bytes]] = {}
_start = process._start


def _remember(plane: Plane, environment: Any, scratch: Path, *rest: Any) -> subprocess.Popen[bytes]:
    """The launcher tells nobody its worker's process id; tests want it from the very first instant."""
    _started[scratch.name] = _start(plane, environment, scratch, *rest)
    return _started[scratch.name]


process._start = _remember


class Live:
    """An attempt that runs. The launcher works in a thread and judges and records the end as `polarpod run` would."""

    def __init__(self, workshop: Workshop, name: str, *, force: bool = False, **params: str) -> None:
        self.workshop = workshop
        self.context, self._data = workshop.prepare(name, force=force, **params)
        self.uid = self.context.attempt.uid
        self.scratch = Path(workshop.plane.scratch or "") / f"polarpod-{self.uid}"
        self.messages: list[Message] = []
        self.log: list[bytes] = []
        self.stop = threading.Event()
        self.over = threading.Event()
        self._result: tuple[Ended, Ran] | BaseException | None = None
        self._thread = threading.Thread(target=self._launch, daemon=True)
        self._thread.start()
        self.until(lambda: self.scratch.name in _started, "its process was started")
        self.pid = _started.pop(self.scratch.name).pid

    def _launch(self) -> None:
        watcher = Watcher(on_message=self.messages.append, on_log=self.log.append, stop=self.stop.is_set)
        try:
            ended = run_worker(self.context, self._data, self.workshop.plane, watcher=watcher)
            self._result = ended, record(self.context, ended, self.workshop.state, Ports())
        except BaseException as error:
            self._result = error
        finally:
            self.over.set()

    @property
    def child(self) -> int | None:
        """The process id of the supervisor's child, where there is one."""
        with suppress(OSError, IndexError):
            return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])
        return None

    def signal(self, number: signal.Signals, victim: str = "supervisor") -> bool:
        """Signals "child", "supervisor" or "group". False where that one was not alive any more (or not yet)."""
        pid = self.child if victim == "child" else self.pid
        if pid is None or not alive(pid):
            return False
        with suppress(ProcessLookupError):
            os.killpg(pid, number) if victim == "group" else os.kill(pid, number)
            return True
        return False

    def kill(self, victim: str) -> bool:
        return self.signal(signal.SIGKILL, victim)

    def message(self) -> Message | None:
        """The termination message as it stands in the file right now."""
        return message_of(process._read(self.scratch / "termination.json"), self.uid)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Waits for something to become true while the worker runs; fails where it ends (or hangs) first."""
        assert self.while_running(condition), f"the worker ended before {what}: {self._result}"

    def while_running(self, condition: Callable[[], Any]) -> bool:
        """Polls a condition as fast as the machine allows. False where the worker ended first."""
        limit = time.monotonic() + PATIENCE
        while not condition():
            if self.over.is_set():
                return bool(condition())
            assert time.monotonic() < limit, "nothing happened"
            time.sleep(0.0005)
        return True

    def end(self) -> Ran:
        """Waits for the end. Whatever it was, no process of the worker may be left."""
        assert self.over.wait(PATIENCE), "the launcher did not return"
        if isinstance(self._result, BaseException):
            raise self._result
        assert self._result is not None
        assert_gone(self.pid, self.uid)
        return self._result[1]

    @property
    def ended(self) -> Any:
        assert isinstance(self._result, tuple)
        return self._result[0]

    @property
    def verdict(self) -> Verdict:
        return self.end().verdict

    @property
    def receipt(self) -> Receipt | None:
        return self.workshop.state.receipt(self.context.job.name, self.context.run_key, self.uid)


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
