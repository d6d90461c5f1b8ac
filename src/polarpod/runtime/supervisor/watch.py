"""The wait for one child: signals, samples, heartbeats and limits."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from polarpod.contract.context import Context
from polarpod.contract.verdict import Category
from polarpod.runtime import memory_usage
from polarpod.runtime.ending import Ending
from polarpod.runtime.progress import Progress
from polarpod.runtime.supervisor.fork import ASKS_TO_STOP, send
from polarpod.runtime.supervisor.output import Output

TERMINATION_FILE = "POLARPOD_TERMINATION_FILE"
# Set by a plane that cannot limit the worker's memory itself.
WATCH_MEMORY = "POLARPOD_WATCH_MEMORY"
# Set by a plane whose workers must not outlive their launcher.
PARENT = "POLARPOD_LAUNCHER_PID"
_KUBERNETES_TERMINATION_FILE = Path("/dev/termination-log")

# Ten samples a second catch a sustained peak; the kernel's own high-water mark covers shorter ones.
_SAMPLE_SECONDS = 0.1
_HEARTBEAT_SECONDS = 1.0
# The part of the grace period that is reserved for writing the receipt after the child's end.
_RECEIPT_SECONDS = 3.0


class Watch:
    """The supervisor's wait for one child."""

    def __init__(
        self,
        context: Context,
        child: int,
        progress: Progress,
        output: Output,
        *,
        started: float,
        environment: Mapping[str, str],
    ) -> None:
        from polarpod.runtime.heartbeat_document import HeartbeatDocument
        from polarpod.runtime.heartbeat_file import HeartbeatFile

        self.context = context
        self.child = child
        self.progress = progress
        self._output = output
        self.started = started
        self.environment = environment
        self.started_at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=time.monotonic() - started)
        self.peak = 0
        self.now = 0
        self.cgroup = memory_usage.own_cgroup(context.resources.memory_bytes)
        self._watch_memory = environment.get(WATCH_MEMORY) == "1" and self.cgroup is None
        self._launcher = int(environment.get(PARENT, "0"))
        self._kills_before = memory_usage.oom_kills(self.cgroup)
        self.heartbeat_file = HeartbeatFile(_termination_file(environment))
        self._document = HeartbeatDocument(lambda data: _put_heartbeat(context, data))
        self._stop_reason: Category | None = None
        self._kill_at: float | None = None
        self._over_limit = False

    def until_end(self) -> Ending:
        """Waits for the child's end; handles signals, takes samples and enforces limits meanwhile. Returns its ending."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        reader.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in ASKS_TO_STOP:
            signal.signal(number, lambda *_: self.stop(Category.INTERRUPTED))
        # A signal reaches the wakeup descriptor only where it has a handler.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKS_TO_STOP)
        _load_what_closing_needs()
        gc.enable()
        next_sample = next_heartbeat = 0.0
        while True:
            now = time.monotonic()
            # Samples have a minimum interval: a child that prints much wakes this loop often.
            if due := now >= next_sample:
                next_sample = now + _SAMPLE_SECONDS
                self._sample()
            finished, status, usage = os.wait4(self.child, os.WNOHANG)
            if finished:
                break
            if now >= next_heartbeat:
                self._heartbeat()
                next_heartbeat = now + _HEARTBEAT_SECONDS
            if due:
                self._enforce(now)
            self._output.wait(reader.fileno(), next_sample - now)
            with contextlib.suppress(BlockingIOError):
                reader.recv(4096)
        signal.set_wakeup_fd(-1)
        for number in ASKS_TO_STOP:
            # The child has ended and its PID may be reused; a stop could only prevent the receipt.
            signal.signal(number, signal.SIG_IGN)
        # ru_maxrss is the kernel's peak of the child, in KiB on Linux and in bytes on macOS.
        self.peak = max(self.peak, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
        return Ending(
            status=status,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            stop_reason=self._stop_reason,
            oom_killed=self._over_limit or memory_usage.oom_kills(self.cgroup) > self._kills_before,
            phase=self.progress.read()[0],
            memory_peak_bytes=self.peak,
            memory_limit_bytes=self.context.resources.memory_bytes,
            module=self.context.job.module,
        )

    def stop(self, reason: Category) -> None:
        """Sends the child a stop request; only the first call, and its reason, has an effect."""
        if self._stop_reason is not None:
            return
        self._stop_reason = reason
        self._kill_at = time.monotonic() + max(1.0, self.context.grace_seconds - _RECEIPT_SECONDS)
        send(signal.SIGINT, self.child)

    def _enforce(self, now: float) -> None:
        if now - self.started > self.context.deadline_seconds:
            self.stop(Category.DEADLINE_EXCEEDED)
        if self._launcher and os.getppid() != self._launcher:
            self.stop(Category.INTERRUPTED)
        if self._watch_memory and self.now > self.context.resources.memory_bytes:
            self._over_limit = True
            send(signal.SIGKILL, self.child)
        if self._kill_at is not None and now > self._kill_at:
            send(signal.SIGKILL, self.child)

    def _sample(self) -> None:
        memory = memory_usage.resident(self.child)
        if memory:
            self.now = memory.now
            self.peak = max(self.peak, memory.peak)

    def _heartbeat(self) -> None:
        from polarpod.contract.message import Message

        phase, rows, _ = self.progress.read()
        message = Message(
            kind="heartbeat",
            uid=self.context.attempt.uid,
            at=dt.datetime.now(dt.UTC),
            phase=phase.name.lower(),
            rows=rows,
            elapsed_seconds=round(time.monotonic() - self.started, 1),
            memory_bytes=self.now,
            memory_peak_bytes=self.peak,
            memory_limit_bytes=self.context.resources.memory_bytes,
        )
        self.heartbeat_file.show(message)
        self._document.show(message)


def _put_heartbeat(context: Context, data: bytes) -> None:
    from polarpod.contract.message import HEARTBEAT
    from polarpod.store.folder import Folder

    Folder(context.attempt_uri, context.storage).write(HEARTBEAT, data)


def _load_what_closing_needs() -> None:
    """Imports the object store client now, while the child runs on another core, rather than after its end."""
    import obstore.store  # noqa: F401

    from polarpod.contract import codec, known_secrets, message, receipt  # noqa: F401
    from polarpod.store import folder  # noqa: F401


def _termination_file(environment: Mapping[str, str]) -> Path | None:
    if given := environment.get(TERMINATION_FILE):
        return Path(given)
    return _KUBERNETES_TERMINATION_FILE if _KUBERNETES_TERMINATION_FILE.exists() else None
