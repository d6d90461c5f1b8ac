"""`python -m polarpod.runtime.describe JOBS SECONDS [MODULE...]`: prints what a jobs directory declares, as JSON.

The modules named in the arguments are skipped.

Prints the name of each job module on its own line before importing it, so that the last line names a module that ends the
process. A module whose import exceeds SECONDS ends the process too, after its traceback is printed.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec

from polarpod.contract.definition import Definition
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime import interrupts
from polarpod.runtime.dependencies import Project
from polarpod.runtime.load import import_module
from polarpod.store.code_version import module_names


def describe(
    jobs: Path, *, without: Collection[str] = (), announce: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """Returns the jobs of the directory's modules with their dependencies, and each module that fails, with its verdict.

    Args:
        without: modules to skip.
        announce: called with the name of each module before it is imported.
    """
    specs: dict[str, Any] = {}
    dependencies: dict[str, dict[str, str]] = {}
    project = Project(jobs)
    broken: list[dict[str, Any]] = []
    owners: dict[str, str] = {}
    for name in module_names(jobs):
        if name in without:
            continue
        announce(name)
        try:
            module = import_module(name, jobs)
            for found in vars(module).values():
                # A job imported from another module belongs to that module.
                if isinstance(found, Definition) and found.spec.module == name:
                    first = owners.setdefault(found.spec.name, name)
                    if first != name:
                        # Ambiguous: neither job is listed.
                        specs.pop(found.spec.name, None)
                        dependencies.pop(found.spec.name, None)
                        raise _twice(found.spec.name, first, name)
                    specs[found.spec.name] = msgspec.to_builtins(found.spec)
                    dependencies[found.spec.name] = project.dependencies(name)
        except PolarpodError as error:
            broken.append({"module": name, "verdict": msgspec.to_builtins(error.verdict)})
    return {"jobs": specs, "broken": broken, "dependencies": dependencies}


def _twice(job: str, first: str, second: str) -> PolarpodError:
    return PolarpodError(
        Category.JOB_IMPORT_FAILED,
        f"two modules declare a job {job!r}",
        evidence=[first, second],
        remedy="Rename one; a job's name is unique within a release.",
    )


def _announce(answer: int, name: str) -> None:
    os.write(answer, f"{name}\n".encode())


def main() -> None:
    # Job modules may print at import: the original standard output is reserved for this process' answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    interrupts.listen()
    folder, seconds, *without = sys.argv[1:]

    def begin(name: str) -> None:
        _announce(answer, name)
        # faulthandler's watchdog thread needs no interpreter lock, so it also ends loops and native code.
        faulthandler.dump_traceback_later(float(seconds), exit=True)

    found = describe(Path(folder), without=without, announce=begin)
    faulthandler.cancel_dump_traceback_later()
    with os.fdopen(answer, "wb") as out:
        out.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
