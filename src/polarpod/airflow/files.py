"""Finds the two files a DAG needs beside it: planes.yaml and the release document.

The search goes from the DAG file upwards, so it finds the DAG's own files in every kind of bundle, for any current directory
of the worker. Both are read when the DAG is parsed, so an error in them is an import error, not a failed run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from polarpod.contract.verdict import Category, PolarpodError

PLANES = ("POLARPOD_PLANES", "planes.yaml")
RELEASE = ("POLARPOD_RELEASE", "release.json")
# a DAGs folder nests a few levels at most; the search must not reach files of other projects
_LEVELS = 4
# module names of a DAG file: Airflow's prefix where it parses the file, Python's where the file is the script
_DAG_FILE = ("unusual_prefix_", "__main__")


class Caller(NamedTuple):
    """A line of code in the call stack outside of polarpod.airflow and Airflow."""

    file: Path
    line: int


def callers() -> list[Caller]:
    """The callers of polarpod.airflow, nearest first, up to the DAG file: a DAG may build its tasks through a helper.

    Only the nearest where no DAG file is being parsed (a test imports one as a module).
    """
    found: list[Caller] = []
    # the documented way to read the call stack
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        module, file = str(frame.f_globals.get("__name__")), frame.f_code.co_filename
        # decided by the module's name: a DAGs folder may be below a directory called airflow. Generated code and the import
        # system ("<frozen ...>") have no file.
        if not file.startswith("<") and not f"{module}.".startswith(("polarpod.airflow.", "airflow.")):
            found.append(Caller(Path(file).resolve(), frame.f_lineno))
            if module.startswith(_DAG_FILE):
                return found
        frame = frame.f_back
    return found[:1]


def find(kind: tuple[str, str], starts: Sequence[Path]) -> Path:
    """The file named by its environment variable, else the first found in the start folders and those above them.

    Raises:
        PolarpodError: no folder has the file.
    """
    variable, name = kind
    if given := os.environ.get(variable):
        return Path(given)
    folders = list(dict.fromkeys(folder for start in starts for folder in [start, *start.parents][:_LEVELS]))
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    write = "`polarpod release`" if name == RELEASE[1] else "docs/planes.md"
    raise PolarpodError(
        Category.REQUEST_INVALID,
        f"there is no {name} for this DAG",
        evidence=[f"looked in {', '.join(str(folder) for folder in folders)}"],
        remedy=f"Put one beside the DAG (see {write}), or set ${variable}.",
    )
