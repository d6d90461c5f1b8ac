"""The child process: runs the attempt phase by phase. Every failure ends as a verdict in the report file.

The supervisor forks it with the decoded context. It sets Polars' resource settings before Polars is imported, and writes its
outcome to the report file last.
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
from polarpod.contract.known_secrets import hide, secret_values
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
    """Runs one attempt and writes its outcome to `report`. Returns the child's exit code."""
    _die_with(supervisor)
    # Line buffering: the reader of a pipe receives each line when it is printed, not 8 KiB later, and also the last lines
    # of a killed job. (With -I, Python ignores PYTHONUNBUFFERED.)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    # The fork inherits the supervisor's signal handlers; in the child, SIGINT must raise KeyboardInterrupt again.
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
    """Enables garbage collection again; objects left by loading are exempt, because they stay alive anyway."""
    gc.freeze()
    gc.enable()


def _verdict(error: BaseException, phase: str) -> Verdict:
    from polarpod.runtime.classify import classify  # imported only on failure, for its tables

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
    """Raises PolarpodError where the code differs from the planned version: its receipt would state a wrong code version."""
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
    """Creates and returns the folder Polars spills to. It is tested here because Polars, where it cannot write there,
    continues without spilling until it runs out of memory. Raises PolarpodError where it is not writable."""
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
    """Makes Linux kill this process when the supervisor dies: a surviving child is fenced, but would use a core."""
    if sys.platform == "linux":
        import ctypes

        death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)
        if os.getppid() != supervisor:  # the supervisor died before prctl took effect
            os._exit(70)
