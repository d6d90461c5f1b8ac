"""Waits for a worker: forwards its progress and its log, and ends it on a stop request or when it is stuck."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.verdict import Category, exit_code_of
from polarpod.launch.listener import Listener
from polarpod.launch.log_file import LogFile
from polarpod.launch.planes.process.cgroup import Cgroup
from polarpod.launch.planes.process.diagnose import Exit
from polarpod.launch.planes.process.process_group import SLACK_SECONDS, end_group
from polarpod.launch.planes.process.scratch import read_bytes
from polarpod.launch.worker import message_of

_TICK_SECONDS = 0.2
_INTERRUPTED = exit_code_of(Category.INTERRUPTED)


def wait_for_worker(
    process: subprocess.Popen[bytes],
    context: Context,
    scratch: Path,
    log: Path,
    cgroup: Cgroup | None,
    listener: Listener,
) -> tuple[Exit, Message | None, bytes]:
    uid = context.attempt.uid
    follower = LogFile(log, listener.on_log)
    last: bytes = b""
    stopped, overdue = False, False
    deadline = time.monotonic() + context.deadline_seconds + context.grace_seconds + SLACK_SECONDS
    kill_at: float | None = None
    with _death_of(process.pid) as died:
        while process.poll() is None:
            died(_TICK_SECONDS)
            follower.follow()
            data = read_bytes(scratch / "termination.json")
            if data and data != last and (message := message_of(data, uid)):
                last = data
                listener.on_message(message)
            now = time.monotonic()
            if not stopped and listener.stop():
                stopped, kill_at = True, now + context.grace_seconds + SLACK_SECONDS
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
            overdue = overdue or now > deadline
            if overdue or (kill_at is not None and now > kill_at):
                end_group(process.pid)
    follower.finish()
    code = process.returncode
    # a shutdown of the machine signals worker and launcher at once, and the worker may end first
    stopped = stopped or ((code < 0 or code == _INTERRUPTED) and listener.stop())
    end = Exit(
        code=code,
        oom_killed=bool(cgroup and cgroup.oom_kills()),
        deadline_passed=overdue,
        stop_requested=stopped,
        memory_limit_bytes=context.resources.memory_bytes,
    )
    return end, message_of(read_bytes(scratch / "termination.json"), uid), follower.tail()


@contextmanager
def _death_of(pid: int) -> Iterator[Callable[[float], None]]:
    """A wait that returns at once when the process ends, where the kernel supports that; else after the timeout."""
    if not hasattr(os, "pidfd_open"):  # macOS
        yield time.sleep
        return
    handle = os.pidfd_open(pid)
    selector = selectors.DefaultSelector()
    selector.register(handle, selectors.EVENT_READ)
    try:
        yield lambda timeout: _wait_for(selector, timeout)
    finally:
        selector.close()
        os.close(handle)


def _wait_for(selector: selectors.BaseSelector, timeout: float) -> None:
    selector.select(timeout)
