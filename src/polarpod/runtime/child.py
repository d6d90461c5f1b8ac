"""The child: the one line of work, phase by phase. Everything that can go wrong ends as a verdict in the report.

It is forked from the supervisor with the decoded context in hand, sets Polars' envelope before Polars is imported, and
leaves its outcome in the report file as its last act.
"""

from __future__ import annotations

import gc
import io
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from polarpod.contract.context import Context
from polarpod.contract.known_secrets import secret_values
from polarpod.contract.redact import hide
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime import interrupts
from polarpod.runtime import read_context as contexts
from polarpod.runtime.engines.polars.resource_settings import envelope
from polarpod.runtime.outcome import Outcome, encode
from polarpod.runtime.progress import Phase, Progress
from polarpod.store.code_version import code_version

JOBS = "POLARPOD_JOBS"
SCRATCH = "POLARPOD_SCRATCH"


def run(context: Context | None, progress: Progress, report: IO[bytes], *, supervisor: int) -> int:
    """Works through one attempt and writes its outcome. Returns the child's exit code."""
    _die_with(supervisor)
    # A pipe's other end is to see each line when it is said, not 8 KiB later, and a killed job's last ones at all. (-I has
    # made Python deaf to PYTHONUNBUFFERED.)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    # the supervisor's handlers came along with the fork; here SIGINT must raise KeyboardInterrupt again
    interrupts.listen()
    try:
        outcome = _work(context or contexts.load(os.environ), progress, os.environ)
    except BaseException as error:  # noqa: BLE001  # SystemExit, KeyboardInterrupt and Rust panics included
        interrupts.ignore()
        outcome = Outcome(verdict=_verdict(error, progress.read()[0].name.lower()))
    interrupts.ignore()
    report.write(encode(outcome))
    report.flush()
    return 0 if outcome.verdict.succeeded else outcome.verdict.exit_code


def _work(context: Context, progress: Progress, environment: Mapping[str, str]) -> Outcome:
    scratch = Path(environment.get(SCRATCH) or ".").absolute()
    jobs = _jobs(environment)
    progress.enter(Phase.LOAD)
    hide(secret_values(environment))
    _check_code(context, jobs)
    spill = _spill(scratch)
    os.environ.update(envelope(context.resources, spill=spill, room_bytes=shutil.disk_usage(spill).free))

    from polarpod.runtime.load import load_job

    definition = load_job(context.job, jobs)

    from polarpod.runtime.attempt import attempt
    from polarpod.runtime.host import Host

    host = Host(before_transform=_collect_garbage, unstoppable=interrupts.ignore)
    return attempt(context, definition, progress, scratch=scratch, host=host)


def _collect_garbage() -> None:
    """Collected again from here on, but for what loading left, which stays anyway."""
    gc.freeze()
    gc.enable()


def _verdict(error: BaseException, phase: str) -> Verdict:
    from polarpod.runtime.classify import classify  # only a failure needs its tables

    return classify(error, phase=phase, interrupted=interrupts.came())


def _jobs(environment: Mapping[str, str]) -> Path:
    folder = Path(environment.get(JOBS) or "jobs").absolute()
    if not folder.is_dir():
        raise PolarpodError(
            Category.CONTEXT_INVALID,
            "the worker has no jobs directory",
            evidence=[f"looked for {folder}"],
            remedy=f"Set ${JOBS}, or build the image with the jobs in it.",
        )
    return folder


def _check_code(context: Context, jobs: Path) -> None:
    """The release planned one code; running another would leave a receipt that lies."""
    found = code_version(jobs)
    if found != context.code_version:
        raise PolarpodError(
            Category.CODE_MISMATCH,
            "the worker has other code than the run was planned with",
            evidence=[f"planned {context.code_version}", f"found   {found} in {jobs}"],
            remedy="Build the job image from the jobs that are launched, or write a new release (`polarpod release`) and "
            "deploy it together with the job code.",
        )


def _spill(scratch: Path) -> Path:
    """The folder Polars spills to. Without one it would go on and not spill, and die of it: so it is tried here first."""
    spill = scratch / "spill"
    try:
        spill.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = spill / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise PolarpodError(
            Category.SPILL_UNUSABLE,
            "the spill directory cannot be written",
            evidence=[f"{spill}: {error.strerror}"],
            remedy=f"Point ${SCRATCH} at a writable directory; in a pod, mount an emptyDir there.",
        ) from error
    return spill


def _die_with(supervisor: int) -> None:
    """Asks Linux to kill this process when the supervisor dies: a zombie would be fenced, but why burn a core on it."""
    if sys.platform == "linux":
        import ctypes

        death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(70)
