"""One attempt as it happens: its worker under the plane's own launcher, and its processes within a test's reach."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.machine import Processes, alive, assert_gone
from tests.support.workshop import Workshop

from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Verdict
from polarpod.launch.listener import Listener
from polarpod.launch.planes.process.diagnose import Exit
from polarpod.launch.planes.process.scratch import read_bytes
from polarpod.launch.planes.registry import launcher_of
from polarpod.launch.run import Clock, RunResult, record
from polarpod.launch.worker import WorkerExit, message_of

__all__ = ["PATIENCE", "Live", "alive", "assert_gone"]

PATIENCE = 60.0  # far above what anything here takes, even with both cores taken by others; only a hang gets there


class Live:
    """An attempt that runs. The launcher works in a thread and judges and records the end as `polarpod run` would."""

    def __init__(self, workshop: Workshop, name: str, *, force: bool = False, **params: str) -> None:
        self.workshop = workshop
        self.context, self._data = workshop.prepare(name, force=force, **params)
        self.uid = self.context.attempt.uid
        self.body = workshop.site.body(workshop, self.uid)
        self.messages: list[Message] = []
        self.log: list[bytes] = []
        self.stop = threading.Event()
        self.over = threading.Event()
        self._result: tuple[WorkerExit, RunResult] | BaseException | None = None
        self._launcher = launcher_of(workshop.plane)
        self._thread = threading.Thread(target=self._launch, daemon=True)
        self._thread.start()
        self.until(self.body.born, "its process was started")

    def _launch(self) -> None:
        listener = Listener(on_message=self.messages.append, on_log=self.log.append, stop=self.stop.is_set)
        try:
            ended = self._launcher.run(self.context, self._data, listener)
            self._result = ended, record(self.context, ended, self.workshop.state, Clock())
        except BaseException as error:
            self._result = error
        finally:
            self.over.set()

    def signal(self, number: signal.Signals, victim: str = "supervisor") -> bool:
        """Signals "child", "supervisor" or "group". False where that one was not alive any more (or not yet)."""
        return self.body.signal(number, victim)

    def kill(self, victim: str) -> bool:
        return self.signal(signal.SIGKILL, victim)

    def until_heard(self, words: bytes) -> None:
        """Waits until the job has printed something, and somebody could have read it."""
        self.until(lambda: words in b"".join(self.log), f"it said {words!r}")

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

    def end(self) -> RunResult:
        """Waits for the end. Whatever it was, no process of the worker may be left."""
        assert self.over.wait(PATIENCE), "the launcher did not return"
        if isinstance(self._result, BaseException):
            raise self._result
        assert self._result is not None
        self.body.assert_gone()
        return self._result[1]

    @property
    def ended(self) -> Any:
        assert isinstance(self._result, tuple)
        return self._result[0]

    @property
    def exit_code(self) -> int | None:
        """What the plane saw the worker end with; None where it saw none."""
        end = self.ended.end
        return end.code if isinstance(end, Exit) else (end.terminated or {}).get("exitCode")

    @property
    def verdict(self) -> Verdict:
        return self.end().verdict

    @property
    def receipt(self) -> Receipt | None:
        return self.workshop.state.receipt(self.context.job.name, self.context.run_key, self.uid)

    @property
    def _processes(self) -> Processes:
        assert isinstance(self.body, Processes), "only workers on this machine have these"
        return self.body

    @property
    def scratch(self) -> Path:
        return self._processes.scratch

    @property
    def pid(self) -> int:
        return self._processes.pid

    @property
    def child(self) -> int | None:
        return self._processes.child

    def message(self) -> Message | None:
        """The termination message as it stands in the file right now."""
        return message_of(read_bytes(self.scratch / "termination.json"), self.uid)
