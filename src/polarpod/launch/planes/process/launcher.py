"""The `process` plane: a worker as an isolated child process on this machine.

Isolated means: only the environment it is given, a scratch directory of its own that is removed at the end, the job's memory
limit, a deadline, and a process group that is killed at the end. The context, the receipt and the verdicts are those of
every other plane.
"""

from __future__ import annotations

from pathlib import Path

from polarpod.contract.context import Context
from polarpod.contract.known_secrets import masked, secret_values
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.listener import Listener
from polarpod.launch.planes.process import exit_record
from polarpod.launch.planes.process.cgroup import memory_cgroup
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes.process.diagnose import judge
from polarpod.launch.planes.process.environment import given_environment, worker_environment
from polarpod.launch.planes.process.exit_record import ExitRecord
from polarpod.launch.planes.process.process_group import end_worker
from polarpod.launch.planes.process.scratch import scratch_errors, scratch_folder
from polarpod.launch.planes.process.start import start_worker
from polarpod.launch.planes.process.wait import wait_for_worker
from polarpod.launch.worker import Unobservable, WorkerExit


class ProcessLauncher:
    """Launches workers as child processes of this one, which end with it."""

    def __init__(self, plane: ProcessPlane) -> None:
        self._plane = plane

    def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
        return run_worker(context, data, self._plane, listener=listener)

    def attach(self, context: Context, listener: Listener, *, orphaned: bool) -> WorkerExit:  # noqa: ARG002  # as `Launcher`
        """The end of a worker whose launcher died before it recorded it. No worker outlives its launcher here.

        Raises:
            Unobservable: there is no readable exit record.
        """
        path = self._plane.exit_record(context.attempt.uid)
        found = exit_record.find(path)
        if found is None:
            # recorded by another launcher meanwhile, or damaged: removed, so that no launcher reads it again
            exit_record.remove(path)
            raise Unobservable(
                PolarpodError(Category.WORKER_LOST, "how the attempt ended is not known", evidence=[f"no note at {path}"])
            )
        return _ended(context, path, found, b"", secret_values(given_environment(self._plane)))


def run_worker(context: Context, data: bytes, plane: ProcessPlane, *, listener: Listener) -> WorkerExit:
    """Starts a worker on this machine and waits for its end.

    Args:
        data: the context's bytes; the worker gets them as a file with their sha256.

    Raises:
        PolarpodError: the interpreter cannot be started.
    """
    uid = context.attempt.uid
    limit = context.resources.memory_bytes
    with scratch_folder(plane, uid) as scratch, memory_cgroup(f"polarpod-{uid}", limit) as cgroup:
        log = plane.log_file(uid)
        with scratch_errors(scratch):
            environment = worker_environment(data, plane, scratch, watch_memory=cgroup is None)
            sink = log.open("wb")
        with sink:
            process = start_worker(plane, environment, scratch, cgroup, sink.fileno())
        try:
            end, message, tail = wait_for_worker(process, context, scratch, log, cgroup, listener)
            path, note = plane.exit_record(uid), ExitRecord(exit=end, message=message)
            exit_record.keep(path, note)
            return _ended(context, path, note, tail, secret_values(environment))
        finally:
            end_worker(process)


def _ended(context: Context, path: Path, note: ExitRecord, log: bytes, secrets: list[str]) -> WorkerExit:
    uid = context.attempt.uid
    return WorkerExit(
        lambda receipt: masked(judge(note.exit, note.message, receipt, uid=uid), secrets),
        note.message,
        log,
        note.exit,
        seen=True,
        release=lambda: exit_record.remove(path),
    )
