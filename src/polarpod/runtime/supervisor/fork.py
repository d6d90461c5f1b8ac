"""The fork: what stands before it, what the child becomes, and the end of all that the child leaves behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from polarpod.contract.context import Context
    from polarpod.runtime.progress import Progress
    from polarpod.runtime.supervisor.output import Output

ASKS_TO_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

# a process stuck in the kernel must not keep the receipt from being written
_ORPHANS_SECONDS = 1.0


def report_file() -> IO[bytes]:
    """Where the child leaves its account: in memory, because a full disk is one of the things it may have to tell of."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("polarpod-report"), "w+b")
    import tempfile  # macOS

    return tempfile.TemporaryFile()


def adopt_orphans() -> None:
    """Makes whatever the job starts and leaves behind ours, even what has left the session, as it is for a pod's first
    process anyway."""
    if sys.platform == "linux":
        import ctypes

        child_subreaper = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h
        ctypes.CDLL(None).prctl(child_subreaper, 1)


def end_orphans() -> None:
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
            send(signal.SIGKILL, pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def start_child(context: Context | None, progress: Progress, report: IO[bytes], output: Output) -> int:
    """Forks the child. Returns its number, and in the child never."""
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        _become_child(context, progress, report, output, supervisor)
    output.become_supervisors()
    return child


def _become_child(context: Context | None, progress: Progress, report: IO[bytes], output: Output, supervisor: int) -> None:
    """In the forked child: never returns, never unwinds into the supervisor's code."""
    code = 70  # EX_SOFTWARE, should the import below itself fail
    try:
        output.become_childs()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKS_TO_STOP)
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


def send(number: signal.Signals, pid: int) -> None:
    """Sends a signal to a process, which may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
