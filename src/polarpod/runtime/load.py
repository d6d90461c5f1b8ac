"""Imports a job's module and finds its definition."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from polarpod.contract.definition import Definition
from polarpod.contract.job import JobSpec
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime import interrupts


def import_module(name: str, jobs: Path) -> Any:
    """Imports and returns a module of the jobs directory.

    Raises:
        KeyboardInterrupt: this process received an interrupt.
        PolarpodError: `job_import_failed`, with the line of the user's file that failed.
    """
    if str(jobs) not in sys.path:
        sys.path.insert(0, str(jobs))
    try:
        return importlib.import_module(name)
    except BaseException as error:  # includes sys.exit at import and a native extension's panic
        if isinstance(error, KeyboardInterrupt) and interrupts.came():
            raise
        raise _import_failed(name, error, jobs) from error


def _import_failed(name: str, error: BaseException, jobs: Path) -> PolarpodError:
    from polarpod.contract.redact import redact  # its patterns take milliseconds, and only a failure needs them
    from polarpod.runtime.classify import user_frames  # imported only on failure, for its tables

    frames = user_frames(error, jobs)
    if isinstance(error, PolarpodError):
        # A wrong @job declaration: its message is reported as is.
        return PolarpodError(
            Category.JOB_IMPORT_FAILED,
            f"the job module {name!r} declares a job wrongly: {error.verdict.summary}",
            evidence=[*error.verdict.evidence, *frames],
            remedy=error.verdict.remedy,
        )
    words = redact(str(error).partition("\n")[0])[:300]
    return PolarpodError(
        Category.JOB_IMPORT_FAILED,
        f"the job module {name!r} fails to import: {type(error).__name__}: {words}",
        evidence=frames,
        remedy=f"Run `python -c 'import {name}'` in the jobs directory, and mend what it says.",
    )


def load_job(spec: JobSpec, jobs: Path) -> Definition[Any]:
    """Returns the definition that a spec names. Raises PolarpodError (`job_import_failed`) where it names none."""
    found = getattr(import_module(spec.module, jobs), spec.function, None)
    if not isinstance(found, Definition):
        raise PolarpodError(
            Category.JOB_IMPORT_FAILED,
            f"{spec.module}.{spec.function} is not a job",
            evidence=[f"in {jobs}", f"found: {type(found).__name__}"],
            remedy="Decorate the transform with @job, or write a new release.",
        )
    return found
