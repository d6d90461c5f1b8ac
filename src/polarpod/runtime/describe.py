"""`python -m polarpod.runtime.describe JOBS`: prints what a jobs directory declares, as JSON. Imports the jobs' modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from polarpod.contract.definition import Definition
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.dependencies import Project
from polarpod.runtime.load import import_module
from polarpod.store.code_version import sources


def describe(jobs: Path) -> dict[str, Any]:
    """Every job of the directory's modules, and every module that fails, each with its verdict."""
    specs: dict[str, Any] = {}
    dependencies: dict[str, dict[str, str]] = {}
    project = Project(jobs)
    broken: list[dict[str, Any]] = []
    owners: dict[str, str] = {}
    for source in sources(jobs):
        parts = source.relative_to(jobs).with_suffix("").parts
        if any(part.startswith(("_", ".")) for part in parts):
            continue
        name = ".".join(parts)
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


def main() -> None:
    # jobs may print at import: what this process has to say must stay alone on its standard output
    answer = os.dup(1)
    os.dup2(2, 1)
    found = describe(Path(sys.argv[1]))
    with os.fdopen(answer, "wb") as out:
        out.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
