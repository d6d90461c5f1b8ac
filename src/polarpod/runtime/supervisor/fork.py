"""The fork of the child: its preparation, the child's side of it, and the end of processes that the child leaves behind."""

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

# A process stuck in the kernel must not prevent the receipt.
_ORPHANS_SECONDS = 1.0


def report_file() -> IO[bytes]:
    """Returns the file for the child's report: in memory, because the report may be about a full disk."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("polarpod-report"), "w+b")
    import tempfile  # macOS

    return tempfile.TemporaryFile()


def adopt_orphans() -> None:
    """Makes this process the parent of every orphan of the job, including those that left its session. PID 1 of a pod is
    their parent anyway."""
    if sys.platform == "linux":
        import ctypes

        child_subreaper = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h
        ctypes.CDLL(None).prctl(child_subreaper, 1)


def end_orphans() -> None:
    """Kills the orphans: a process that outlives the run would write after its receipt, and on the process plane forever."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    limit = time.monotonic() + _ORPHANS_SECONDS
    while time.monotonic() < limit:
        try:
            orphans = [int(pid) for pid in children.read_text().split()]
        except OSError:  # not Linux, or a kernel without this file
            return
        if not orphans:
            return
        for pid in orphans:
            send(signal.SIGKILL, pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def start_child(context: Context | None, progress: Progress, report: IO[bytes], output: Output) -> int:
    """Forks the child. Returns its PID in the supervisor; never returns in the child."""
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        _become_child(context, progress, report, output, supervisor)
    output.become_supervisors()
    return child


def _become_child(context: Context | None, progress: Progress, report: IO[bytes], output: Output, supervisor: int) -> None:
    """Runs in the forked child: never returns, never unwinds into the supervisor's code."""
    code = 70  # EX_SOFTWARE, where the import below fails
    try:
        output.become_childs()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKS_TO_STOP)
        from polarpod.runtime.child import run

        code = run(context, progress, report, supervisor=supervisor)
    except BaseException as error:  # noqa: BLE001  # a Rust panic is a BaseException, and none may leave this function
        print(f"polarpod: the worker's child failed before it could say why: {error!r}", file=sys.stderr)
    finally:
        for stream in (sys.stdout, sys.stderr):
            # A full disk or a stream closed by the job must not skip the exit below, which would run a second supervisor.
            with contextlib.suppress(Exception):
                stream.flush()
        # Skips interpreter teardown: everything is written, and unwinding Polars' threads takes tens of ms.
        os._exit(code)


def send(number: signal.Signals, pid: int) -> None:
    """Sends a signal to a process; does nothing where the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
