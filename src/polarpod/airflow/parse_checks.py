"""Checks a DAG's request against planes.yaml and the release while the DAG is parsed.

Airflow shows only the last two frames of an import error, which are polarpod's; so the evidence names the DAG's line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from polarpod.airflow.files import PLANES, RELEASE, callers, find
from polarpod.contract.param import Scalar
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.job_request import check_names, choose_job
from polarpod.launch.planes_file import choose_plane, load_planes
from polarpod.launch.specs import from_release


class Files(NamedTuple):
    """The planes file and the release document of a DAG; None for one that is to be searched for."""

    planes: Path | None = None
    release: Path | None = None

    def found(self, folders: list[Path]) -> tuple[Path, Path]:
        """Both paths; one that is not given is searched for from these folders upwards."""
        return self.planes or find(PLANES, folders), self.release or find(RELEASE, folders)


def checked(job: str, plane: str, params: Any, given: Files) -> tuple[Path, Path]:
    """The calling DAG's planes file and release document, after checking the request against them.

    Raises:
        PolarpodError: an error in the request that is known without its parameters' values.
    """
    try:
        planes, release = given.found([caller.file.parent for caller in callers()])
        chosen = choose_plane(load_planes(planes), plane, source=str(planes))
        spec = choose_job(from_release(release).jobs, job, source=str(release))
        # the output of another task, and the result of a template, are known only when the task runs
        for one in params if isinstance(params, list) else [params]:
            if isinstance(one, Mapping):
                check_names(spec, one, chosen.variables)
    except PolarpodError as error:
        asked = [f"asked for in {caller.file}:{caller.line}" for caller in callers()]
        verdict = error.verdict
        raise PolarpodError(
            verdict.category, verdict.summary, evidence=[*verdict.evidence, *asked], remedy=verdict.remedy
        ) from None
    return planes, release


def values_of(params: Any) -> dict[str, Scalar]:
    """The rendered parameters. Raises PolarpodError where they are not a mapping of names to scalars or dates."""
    if not isinstance(params, Mapping):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the parameters are not a mapping of names to values",
            evidence=[f"they are a {type(params).__name__}"],
            remedy='Pass params={"ds": "{{ ds }}"}; a task whose output is expanded over returns a list of such dicts.',
        )
    # any other value would become text, such as None "None"
    wrong = {name: value for name, value in params.items() if not isinstance(value, (str, int, float, dt.date))}
    if wrong:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "a parameter is not text, a number, a truth value or a date",
            evidence=[f"{name} is a {type(value).__name__}" for name, value in wrong.items()],
            remedy="Pass one value for each parameter; a list is what `.expand` makes runs of.",
        )
    return {str(name): str(value) if isinstance(value, dt.date) else value for name, value in params.items()}
