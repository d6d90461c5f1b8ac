"""`run_job`: the interface for DAG authors.

A callable object rather than a function, so that mapping reads as it does for every Airflow operator:
`run_job.partial("airport_delays", plane="process").expand(params=[{"ds": "2013-02-01"}, {"ds": "2013-02-02"}])`.
"""

from __future__ import annotations

from typing import Any

from polarpod.airflow.operator import RunJobOperator
from polarpod.airflow.parse_checks import Files, checked


class _Mapped:
    """The part of a mapped task that is the same for every index."""

    def __init__(self, job: str, plane: str, files: Files, partial: Any) -> None:
        self._job = job
        self._plane = plane
        self._files = files
        self._partial = partial

    def expand(self, *, params: Any) -> Any:
        """One run for each element: a list of dicts, or another task's output of such a list.

        By Airflow's rule Jinja is rendered in literal dicts, not in another task's output.
        """
        checked(self._job, self._plane, params, self._files)
        return self._partial.expand(job_params=params)


class _RunJob:
    """See the module."""

    def __call__(self, job: str, *, plane: str, params: Any = None, **kwargs: Any) -> RunJobOperator:
        """A task that runs a job once.

        Args:
            job: a job of the release document; also the task's id unless `task_id` is given.
            plane: a plane of planes.yaml.
            params: the job's parameters, templated: {"ds": "{{ ds }}"}.
            **kwargs: anything an Airflow operator takes.
        """
        kwargs.setdefault("task_id", job)
        return RunJobOperator(job=job, plane=plane, job_params=params, **kwargs)

    def partial(self, job: str, *, plane: str, **kwargs: Any) -> _Mapped:
        """The fixed part of a mapped task; follow it with `.expand(params=...)`."""
        kwargs.setdefault("task_id", job)
        planes, release = checked(job, plane, None, Files())
        # a mapped task is created only when it runs, without DAG code in the call stack, so its files are passed along
        partial = RunJobOperator.partial(job=job, plane=plane, planes_file=str(planes), release_file=str(release), **kwargs)
        return _Mapped(job, plane, Files(planes, release), partial)


run_job = _RunJob()
