"""The two files a DAG needs beside it: planes.yaml and the release document.

They are looked for from the DAG file upwards, so that a DAG finds its own in every kind of bundle, whatever the worker's
current directory is. Both are read at parse: what is wrong with them is an import error, not a failure at night.
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
# a DAGs folder nests a few levels at most; the search must not wander up to somebody else's files
_LEVELS = 4
# what Airflow calls the module of a DAG file it parses, and Python the one it was started with
_DAG_FILE = ("unusual_prefix_", "__main__")


class Caller(NamedTuple):
    """A place in somebody's code that led here."""

    file: Path
    line: int


def callers() -> list[Caller]:
    """Who is calling polarpod.airflow, nearest first, out to the DAG file: a DAG may build its tasks through a helper.

    Where no DAG file is being parsed (a test imports one as a module), only the nearest.
    """
    found: list[Caller] = []
    # the documented way to see one's caller
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        module, file = str(frame.f_globals.get("__name__")), frame.f_code.co_filename
        # told by the module's name: a DAGs folder may well lie below a directory called airflow. Generated code and the
        # import system ("<frozen ...>") have no file.
        if not file.startswith("<") and not f"{module}.".startswith(("polarpod.airflow.", "airflow.")):
            found.append(Caller(Path(file).resolve(), frame.f_lineno))
            if module.startswith(_DAG_FILE):
                return found
        frame = frame.f_back
    return found[:1]


def find(kind: tuple[str, str], starts: Sequence[Path]) -> Path:
    """The file by its environment variable, else in the first folder that has it, of the starts and those above them.

    Raises:
        PolarpodError: it is nowhere.
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
