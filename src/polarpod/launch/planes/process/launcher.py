"""The `process` plane: a worker as an isolated child process on this machine.

Isolated means: only the environment it is given, a scratch directory of its own that is gone at the end, the job's memory
limit, a deadline, and a process group of which nothing is left. The context, the receipt and the verdicts are those of
every other plane.
"""

from __future__ import annotations

import errno
import hashlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from polarpod.contract.context import Context
from polarpod.contract.known_secrets import masked, secret_values, without
from polarpod.contract.message import Message
from polarpod.contract.redact import redact
from polarpod.contract.verdict import Category, PolarpodError, exit_code_of
from polarpod.launch.listener import Listener
from polarpod.launch.log_file import LogFile
from polarpod.launch.planes.process import exit_record as end_note
from polarpod.launch.planes.process.cgroup import Cgroup, memory_cgroup
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes.process.diagnose import Exit, judge
from polarpod.launch.planes.process.exit_record import EndNote
from polarpod.launch.worker import Unobservable, WorkerExit, message_of

# joins the cgroup before the interpreter starts, so that not one page is counted elsewhere
_JOIN = 'echo $$ > "$0" && exec "$@"'
_TICK_SECONDS = 0.2
# the supervisor enforces the deadline itself; this launcher only steps in for one that is stuck
_SLACK_SECONDS = 5.0
_INTERRUPTED = exit_code_of(Category.INTERRUPTED)


class ProcessLauncher:
    """Workers that are child processes of this one, and end with it."""

    def __init__(self, plane: ProcessPlane) -> None:
        self._plane = plane

    def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
        return run_worker(context, data, self._plane, listener=listener)

    def attach(self, context: Context, listener: Listener, *, orphaned: bool) -> WorkerExit:  # noqa: ARG002  # as `Launcher`
        """The end of a worker whose launcher died before it recorded it. No worker outlives its launcher here."""
        path = self._plane.end_note(context.attempt.uid)
        found = end_note.find(path)
        if found is None:
            # recorded by another launcher meanwhile, or damaged: it is not met again
            end_note.remove(path)
            raise Unobservable(
                PolarpodError(Category.WORKER_LOST, "how the attempt ended is not known", evidence=[f"no note at {path}"])
            )
        return _ended(context, path, found, b"", secret_values(_given(self._plane)))


def run_worker(context: Context, data: bytes, plane: ProcessPlane, *, listener: Listener) -> WorkerExit:
    """Starts a worker on this machine and waits for its end.

    Args:
        data: the context's bytes; the worker gets them as a file with their sha256.

    Raises:
        PolarpodError: the interpreter cannot be started.
    """
    uid = context.attempt.uid
    limit = context.resources.memory_bytes
    with _scratch(plane, uid) as scratch, memory_cgroup(f"polarpod-{uid}", limit) as cgroup:
        log = plane.log_file(uid)
        with _scratch_errors(scratch):
            environment = worker_environment(data, plane, scratch, watch_memory=cgroup is None)
            sink = log.open("wb")
        with sink:
            process = _start(plane, environment, scratch, cgroup, sink.fileno())
        try:
            end, message, tail = _wait(process, context, scratch, log, cgroup, listener)
            path, note = plane.end_note(uid), EndNote(exit=end, message=message)
            end_note.keep(path, note)
            return _ended(context, path, note, tail, secret_values(environment))
        finally:
            _end(process)


def try_module(plane: ProcessPlane, module: str, variables: Mapping[str, str], *, seconds: float) -> tuple[bytes, str]:
    """Runs another module as a worker of this plane is run. What it left as its last words, and how it ended.

    Raises:
        PolarpodError: the interpreter cannot be started, or the scratch directory not be written.
    """
    with _scratch(plane, f"doctor-{uuid.uuid4().hex}") as scratch:
        log = scratch / "worker.log"
        with _scratch_errors(scratch):
            environment = {**worker_environment(b"", plane, scratch, watch_memory=False), **variables}
            sink = log.open("wb")
        with sink:
            process = _start(plane, environment, scratch, None, sink.fileno(), module)
        try:
            end = f"ended with exit code {process.wait(timeout=seconds)}"
        except subprocess.TimeoutExpired:
            end = f"was still busy after {seconds:g} s"
        finally:
            _end(process)
        # no supervisor has masked what such a module says
        secrets = secret_values(environment)
        said = [without(_read(path).decode(errors="replace"), secrets) for path in (scratch / "termination.json", log)]
        return said[0].encode(), "; ".join([end, *redact(said[1]).strip().splitlines()[-2:]])


def _ended(context: Context, path: Path, note: EndNote, log: bytes, secrets: list[str]) -> WorkerExit:
    uid = context.attempt.uid
    return WorkerExit(
        lambda receipt: masked(judge(note.exit, note.message, receipt, uid=uid), secrets),
        note.message,
        log,
        note.exit,
        seen=True,
        release=lambda: end_note.remove(path),
    )


def _given(plane: ProcessPlane) -> dict[str, str]:
    """The variables that the plane's owner gives its workers."""
    passed = {name: os.environ[name] for name in plane.environment_from if name in os.environ}
    return {**plane.environment, **passed}


def worker_environment(data: bytes, plane: ProcessPlane, scratch: Path, *, watch_memory: bool) -> dict[str, str]:
    """Everything the worker's environment holds; nothing of the caller's is inherited but what the plane names."""
    (scratch / "context.json").write_bytes(data)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        **_given(plane),
        "POLARPOD_CONTEXT_URI": str(scratch / "context.json"),
        "POLARPOD_CONTEXT_SHA256": hashlib.sha256(data).hexdigest(),
        "POLARPOD_JOBS": str(Path(plane.jobs).absolute()),
        "POLARPOD_SCRATCH": str(scratch),
        "POLARPOD_TERMINATION_FILE": str(scratch / "termination.json"),
        "POLARPOD_WATCH_MEMORY": "1" if watch_memory else "0",
        "POLARPOD_LAUNCHER_PID": str(os.getpid()),
    }


@contextmanager
def _scratch_errors(folder: Path) -> Iterator[None]:
    """Gives a failure to write the scratch directory a verdict: the attempt has a number, and must not stay open."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise PolarpodError(
            Category.DISK_FULL if full else Category.SPILL_UNUSABLE,
            "the scratch directory is full" if full else "the scratch directory cannot be written",
            evidence=[f"{folder}: {error.strerror}"],
            remedy=f"{'Free space there, or point' if full else 'Point'} `scratch` of the plane at a writable directory "
            "with room to spill.",
        ) from error


@contextmanager
def _scratch(plane: ProcessPlane, uid: str) -> Iterator[Path]:
    folder = plane.scratch_of(uid)
    with _scratch_errors(folder):
        # it holds the context, the log and what the job spills, in a place where everybody may look
        folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(
    plane: ProcessPlane,
    environment: Mapping[str, str],
    scratch: Path,
    cgroup: Cgroup | None,
    log: int,
    module: str = "polarpod.runtime",
) -> subprocess.Popen[bytes]:
    # -I: no PYTHON* variables, no user site, no current directory on the path
    command = [plane.python or sys.executable, "-I", "-m", module]
    if cgroup:
        command = ["/bin/sh", "-c", _JOIN, str(cgroup.procs), *command]
    try:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the worker's interpreter cannot be started",
            evidence=[f"{command[0]}: {error.strerror}"],
            remedy="Set `python` of the plane to an interpreter that has polarpod[worker].",
        ) from error


def _wait(
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
    deadline = time.monotonic() + context.deadline_seconds + context.grace_seconds + _SLACK_SECONDS
    kill_at: float | None = None
    with _death_of(process.pid) as died:
        while process.poll() is None:
            died(_TICK_SECONDS)
            follower.follow()
            data = _read(scratch / "termination.json")
            if data and data != last and (message := message_of(data, uid)):
                last = data
                listener.on_message(message)
            now = time.monotonic()
            if not stopped and listener.stop():
                stopped, kill_at = True, now + context.grace_seconds + _SLACK_SECONDS
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
            overdue = overdue or now > deadline
            if overdue or (kill_at is not None and now > kill_at):
                _end_group(process.pid)
    follower.finish()
    code = process.returncode
    # whoever ends a machine asks worker and launcher at once, and the worker may be the first to be done
    stopped = stopped or ((code < 0 or code == _INTERRUPTED) and listener.stop())
    end = Exit(
        code=code,
        oom_killed=bool(cgroup and cgroup.oom_kills()),
        deadline_passed=overdue,
        stop_requested=stopped,
        memory_limit_bytes=context.resources.memory_bytes,
    )
    return end, message_of(_read(scratch / "termination.json"), uid), follower.tail()


@contextmanager
def _death_of(pid: int) -> Iterator[Callable[[float], None]]:
    """A wait that ends at once when the process does, where the kernel offers that; else after the timeout."""
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


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leaves nothing of a worker. One that still runs (this launcher was interrupted, or an Airflow timeout came) is asked
    first, so that it can write its receipt."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_SLACK_SECONDS)
    _end_group(process.pid)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_SLACK_SECONDS)
    # who is dying may yet finish a system call that makes a file; the scratch directory must go after that
    limit = time.monotonic() + _SLACK_SECONDS
    while _group_lives(process.pid) and time.monotonic() < limit:
        time.sleep(0.01)


def _end_group(pid: int) -> None:
    """Kills whatever is left of the worker's process group (the worker leads it: it was started in a session of its own)."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _group_lives(pid: int) -> bool:
    """Whether a process of the group still runs. One that is dead and waits for init to take note does not."""
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):  # macOS answers a group of the dead with EPERM
        return False
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # after the name, which may hold anything: state, parent, group
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if int(group) == pid and state not in "ZX":
                return True
    return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
