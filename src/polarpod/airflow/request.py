"""What a DAG asks for, held against planes.yaml and the release while the DAG is parsed.

Airflow shows only the last two frames of an import error, which are ours; so the line of the DAG goes into the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from polarpod.airflow.files import PLANES, RELEASE, callers, find
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.planes import choose_plane, load_planes
from polarpod.launch.request import check_names, choose_job
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
