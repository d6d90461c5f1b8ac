"""What a DAG asks for, held against planes.yaml and the release while the DAG is parsed.

Airflow shows only the last two frames of an import error, which are ours; so the line of the DAG goes into the evidence.
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
    """Where the planes and the jobs of a DAG are written down; None where that is to be found."""

    planes: Path | None = None
    release: Path | None = None

    def found(self, folders: list[Path]) -> tuple[Path, Path]:
        """Both, from these folders upwards where they are not given."""
        return self.planes or find(PLANES, folders), self.release or find(RELEASE, folders)


def checked(job: str, plane: str, params: Any, given: Files) -> tuple[Path, Path]:
    """The planes file and the release of whoever is calling, with a request that they can serve.

    Raises:
        PolarpodError: everything wrong with the request that can be told without its parameters' values.
    """
    try:
        planes, release = given.found([caller.file.parent for caller in callers()])
        chosen = choose_plane(load_planes(planes), plane, source=str(planes))
        spec = choose_job(from_release(release).jobs, job, source=str(release))
        # what another task returns, and what a template makes of a text, is only known when the task runs
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
    """The parameters once everything is rendered; only now is it known that they are parameters at all."""
    if not isinstance(params, Mapping):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the parameters are not a mapping of names to values",
            evidence=[f"they are a {type(params).__name__}"],
            remedy='Pass params={"ds": "{{ ds }}"}; a task whose output is expanded over returns a list of such dicts.',
        )
    # whatever else there is would turn into text, None into "None"
    wrong = {name: value for name, value in params.items() if not isinstance(value, (str, int, float, dt.date))}
    if wrong:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "a parameter is not text, a number, a truth value or a date",
            evidence=[f"{name} is a {type(value).__name__}" for name, value in wrong.items()],
            remedy="Pass one value for each parameter; a list is what `.expand` makes runs of.",
        )
    return {str(name): str(value) if isinstance(value, dt.date) else value for name, value in params.items()}
