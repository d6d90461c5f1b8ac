"""`python -m polarpod.runtime.describe JOBS SECONDS [MODULE...]`: prints what a jobs directory declares, as JSON.

The modules that are named are left out.

Imports the jobs' modules, and prints the name of each on a line of its own before: one that ends the process is the last. So
is one that is not imported within the seconds: the process then prints where it is, and ends.
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
    """Every job of the directory's modules, and every module that fails, each with its verdict.

    Args:
        without: modules that are not imported.
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
                # a job imported from a neighbour belongs to the neighbour
                if isinstance(found, Definition) and found.spec.module == name:
                    first = owners.setdefault(found.spec.name, name)
                    if first != name:
                        # neither is run: which one was meant is not for us to say
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
    # jobs may print at import: what this process has to say must stay alone on its standard output
    answer = os.dup(1)
    os.dup2(2, 1)
    interrupts.listen()
    folder, seconds, *without = sys.argv[1:]

    def begin(name: str) -> None:
        _announce(answer, name)
        # a thread of its own that needs no lock of the interpreter's: it ends loops and native code alike
        faulthandler.dump_traceback_later(float(seconds), exit=True)

    found = describe(Path(folder), without=without, announce=begin)
    faulthandler.cancel_dump_traceback_later()
    with os.fdopen(answer, "wb") as out:
        out.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
