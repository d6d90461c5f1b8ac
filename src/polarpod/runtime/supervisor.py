"""The supervisor: stays small, outlives the work, and tells how it ended.

It forks the child before anything else that starts threads. Then it waits, and while it waits it samples memory, keeps
the termination message true, passes on a request to stop (as SIGINT, the one signal Polars answers within a running
query), and enforces deadline and, where no cgroup does, the memory limit. At the end it writes the receipt: the child's
own account where it left one, else what can be told from outside.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from polarpod.contract.codec import decoder
from polarpod.contract.context import Context
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime import meter
from polarpod.runtime import read_context as contexts
from polarpod.runtime.ending import Ending, judge_child, status_of
from polarpod.runtime.outcome import Outcome
from polarpod.runtime.progress import Progress

if TYPE_CHECKING:
    from polarpod.contract.receipt import Receipt

TERMINATION_FILE = "POLARPOD_TERMINATION_FILE"
# set by a plane that cannot limit the worker's memory itself
WATCH_MEMORY = "POLARPOD_WATCH_MEMORY"
# set by a plane whose workers must not outlive their launcher
PARENT = "POLARPOD_LAUNCHER_PID"
_KUBERNETES_TERMINATION_FILE = Path("/dev/termination-log")

# Ten samples a second see a peak that lasts; the kernel's own high-water mark catches the ones in between.
_SAMPLE_SECONDS = 0.1
_HEARTBEAT_SECONDS = 1.0
# of the grace period, kept for writing the receipt after the child is gone
_RECEIPT_SECONDS = 3.0
# a process stuck in the kernel must not keep the receipt from being written
_ORPHANS_SECONDS = 1.0
_ASKS_TO_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(*, started: float) -> int:
    """Runs one attempt. Returns the exit code of its verdict."""
    environment = os.environ
    # before the fork, so that the child gets the decoded context for nothing; a remote one needs a client with threads
    context = None
    # a request to stop waits until somebody can pass it on; unblocked, it would be lost (to a pod's first process) or fatal
    signal.pthread_sigmask(signal.SIG_BLOCK, _ASKS_TO_STOP)
    try:
        if not contexts.is_remote(environment):
            context = contexts.load(environment)
        progress = Progress()
        _adopt_orphans()
        with _report_file() as report:
            supervisor = os.getpid()
            child = os.fork()
            if child == 0:
                _become_child(context, progress, report, supervisor)
            context = context or contexts.load(environment)
            watch = _Watch(context, child, progress, started=started, environment=environment)
            ending = watch.until_end()
            _end_orphans()
            outcome = _read(report)
        return _close(context, ending, outcome, watch)
    except PolarpodError as error:
        _say(_masked(error.verdict, environment))
        return error.verdict.exit_code


def _report_file() -> IO[bytes]:
    """Where the child leaves its account: in memory, because a full disk is one of the things it may have to tell of."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("polarpod-report"), "w+b")
    import tempfile  # macOS

    return tempfile.TemporaryFile()


def _adopt_orphans() -> None:
    """Makes whatever the job starts and leaves behind ours, even what has left the session, as it is for a pod's first
    process anyway."""
    if sys.platform == "linux":
        import ctypes

        child_subreaper = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h
        ctypes.CDLL(None).prctl(child_subreaper, 1)


def _end_orphans() -> None:
    """Kills them: what outlives the run would write after its receipt, and on a plane of processes for ever."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    limit = time.monotonic() + _ORPHANS_SECONDS
    while time.monotonic() < limit:
        try:
            orphans = [int(pid) for pid in children.read_text().split()]
        except OSError:  # no Linux, or one without the list
            return
        if not orphans:
            return
        for pid in orphans:
            _signal(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def _become_child(context: Context | None, progress: Progress, report: IO[bytes], supervisor: int) -> None:
    """In the forked child: never returns, never unwinds into the supervisor's code."""
    code = 70  # EX_SOFTWARE, should the import below itself fail
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKS_TO_STOP)
        from polarpod.runtime.child import run

        code = run(context, progress, report, supervisor=supervisor)
    except BaseException as error:  # noqa: BLE001  # a Rust panic is a BaseException, and nothing may escape from here
        print(f"polarpod: the worker's child failed before it could say why: {error!r}", file=sys.stderr)
    finally:
        for stream in (sys.stdout, sys.stderr):
            # a full disk, or closed by the job: no reason to miss the exit below and go on as a second supervisor
            with contextlib.suppress(Exception):
                stream.flush()
        # skips interpreter teardown: all is written, and waiting for Polars' threads to unwind takes tens of ms
        os._exit(code)


class _Watch:
    """The supervisor's wait for one child."""

    def __init__(
        self, context: Context, child: int, progress: Progress, *, started: float, environment: Mapping[str, str]
    ) -> None:
        from polarpod.runtime.heartbeat_document import HeartbeatDocument
        from polarpod.runtime.heartbeat_file import Beacon

        self.context = context
        self.child = child
        self.progress = progress
        self.started = started
        self.environment = environment
        self.started_at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=time.monotonic() - started)
        self.peak = 0
        self.now = 0
        self.cgroup = meter.own_cgroup(context.resources.memory_bytes)
        self._watch_memory = environment.get(WATCH_MEMORY) == "1" and self.cgroup is None
        self._launcher = int(environment.get(PARENT, "0"))
        self._kills_before = meter.oom_kills(self.cgroup)
        self.beacon = Beacon(_termination_file(environment))
        self._document = HeartbeatDocument(lambda data: _put_heartbeat(context, data))
        self._stop_reason: Category | None = None
        self._kill_at: float | None = None
        self._over_limit = False

    def until_end(self) -> Ending:
        """Waits for the child, with the signals, samples and limits in between."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        reader.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in _ASKS_TO_STOP:
            signal.signal(number, lambda *_: self.stop(Category.INTERRUPTED))
        # a handler must exist for the signal to reach the wakeup descriptor
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKS_TO_STOP)
        _load_what_closing_needs()
        gc.enable()
        next_heartbeat = 0.0
        while True:
            self._sample()
            finished, status, usage = os.wait4(self.child, os.WNOHANG)
            if finished:
                break
            now = time.monotonic()
            if now >= next_heartbeat:
                self._heartbeat()
                next_heartbeat = now + _HEARTBEAT_SECONDS
            self._enforce(now)
            select.select([reader], [], [], _SAMPLE_SECONDS)
            with contextlib.suppress(BlockingIOError):
                reader.recv(4096)
        signal.set_wakeup_fd(-1)
        for number in _ASKS_TO_STOP:
            # nothing is left to stop but the receipt; and the child's number may be another process' by now
            signal.signal(number, signal.SIG_IGN)
        # ru_maxrss is the kernel's own peak of the child, in KiB on Linux and in bytes on macOS
        self.peak = max(self.peak, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
        return Ending(
            status=status,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            stop_reason=self._stop_reason,
            oom_killed=self._over_limit or meter.oom_kills(self.cgroup) > self._kills_before,
            phase=self.progress.read()[0],
            memory_peak_bytes=self.peak,
            memory_limit_bytes=self.context.resources.memory_bytes,
            module=self.context.job.module,
        )

    def stop(self, reason: Category) -> None:
        """Asks the child to stop; the first reason given is the one that counts."""
        if self._stop_reason is not None:
            return
        self._stop_reason = reason
        self._kill_at = time.monotonic() + max(1.0, self.context.grace_seconds - _RECEIPT_SECONDS)
        _signal(self.child, signal.SIGINT)

    def _enforce(self, now: float) -> None:
        if now - self.started > self.context.deadline_seconds:
            self.stop(Category.DEADLINE_EXCEEDED)
        if self._launcher and os.getppid() != self._launcher:
            self.stop(Category.INTERRUPTED)
        if self._watch_memory and self.now > self.context.resources.memory_bytes:
            self._over_limit = True
            _signal(self.child, signal.SIGKILL)
        if self._kill_at is not None and now > self._kill_at:
            _signal(self.child, signal.SIGKILL)

    def _sample(self) -> None:
        memory = meter.resident(self.child)
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
        self.beacon.show(message)
        self._document.show(message)


def _put_heartbeat(context: Context, data: bytes) -> None:
    from polarpod.contract.message import HEARTBEAT
    from polarpod.store.folder import Folder

    Folder(context.attempt_uri, context.storage).write(HEARTBEAT, data)


def _load_what_closing_needs() -> None:
    """Imports the object store's client now, while the child is busy on another core, rather than after its end."""
    import obstore.store  # noqa: F401

    from polarpod.contract import codec, known_secrets, message, receipt  # noqa: F401
    from polarpod.store import folder  # noqa: F401


def _close(context: Context, ending: Ending, outcome: Outcome | None, watch: _Watch) -> int:
    """Writes receipt and termination message, says a failure in words, returns the exit code."""
    verdict = _masked(judge_child(ending, outcome.verdict if outcome else None), watch.environment)
    receipt = _receipt(context, verdict, outcome, ending, watch)
    unwritten = _put(context, receipt)
    final = _masked(unwritten, watch.environment) if unwritten else verdict
    _say(final)
    from polarpod.contract.message import Message

    summary = {key: value for key, value in receipt.summary().items() if isinstance(value, (str, int, float))}
    watch.beacon.show(
        Message(
            kind="receipt",
            uid=context.attempt.uid,
            phase=ending.phase.name.lower(),
            rows=watch.progress.read()[1],
            elapsed_seconds=round(time.monotonic() - watch.started, 1),
            memory_peak_bytes=watch.peak,
            memory_limit_bytes=context.resources.memory_bytes,
            summary=summary | {"category": str(final.category)},
            receipt_uri="" if unwritten else f"{context.attempt_uri}/receipt.json",
        )
    )
    return final.exit_code


def _receipt(context: Context, verdict: Verdict, outcome: Outcome | None, ending: Ending, watch: _Watch) -> Receipt:
    from polarpod.contract.receipt import Receipt, Usage

    first_line = watch.progress.read()[2]
    known = outcome or Outcome(verdict=verdict)
    return Receipt(
        job=context.job.name,
        run_key=context.run_key,
        attempt=context.attempt,
        status=status_of(verdict),
        verdict=verdict,
        params=context.params,
        code_version=context.code_version,
        plane=context.plane,
        fingerprint=known.fingerprint,
        inputs=known.inputs,
        checks=known.checks,
        published=known.published if verdict.succeeded else None,
        usage=Usage(
            wall_seconds=round(time.monotonic() - watch.started, 3),
            cpu_seconds=round(ending.cpu_seconds, 3),
            memory_peak_bytes=watch.peak,
            memory_limit_bytes=context.resources.memory_bytes,
            cgroup_peak_bytes=meter.number(watch.cgroup.peak) if watch.cgroup else None,
            first_line_seconds=round(first_line - watch.started, 3) if first_line else None,
        ),
        started_at=watch.started_at,
        finished_at=dt.datetime.now(dt.UTC),
        engine=known.engine,
        labels=context.labels,
    )


def _put(context: Context, receipt: Receipt) -> Verdict | None:
    """Writes the receipt once. Returns what stood in the way, or None."""
    from polarpod.contract.codec import encode
    from polarpod.store.folder import Folder, put_once

    try:
        if put_once(Folder(context.attempt_uri, context.storage), "receipt.json", encode(receipt)):
            return None
    except PolarpodError as error:
        return error.verdict
    return Verdict(
        category=Category.CONTEXT_INVALID,
        summary="this attempt already has a receipt",
        evidence=[f"{context.attempt_uri}/receipt.json"],
        remedy="Launch a new attempt; an attempt's uid is used once.",
    )


def _masked(verdict: Verdict, environment: Mapping[str, str]) -> Verdict:
    """What may leave the worker of a verdict, whoever has come to it: the child hides what errors say, and not what it
    finds itself, such as the name of a column."""
    from polarpod.contract.known_secrets import masked, secret_values

    return masked(verdict, secret_values(environment))


def _say(verdict: Verdict) -> None:
    if not verdict.succeeded:
        print(f"polarpod: {verdict.text()}", file=sys.stderr, flush=True)


def _read(report: IO[bytes]) -> Outcome | None:
    """The child's account, or None where it died before or while writing it."""
    report.seek(0)
    try:
        return decoder(Outcome).decode(report.read())
    except msgspec.DecodeError:
        return None


def _termination_file(environment: Mapping[str, str]) -> Path | None:
    if given := environment.get(TERMINATION_FILE):
        return Path(given)
    return _KUBERNETES_TERMINATION_FILE if _KUBERNETES_TERMINATION_FILE.exists() else None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
