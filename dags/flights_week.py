"""A week of flights in one DAG run: every day is a mapped task, so a whole month is one click and one place to look."""

from __future__ import annotations

import datetime as dt
import os

from airflow.sdk import DAG, Param, task

from polarpod.airflow import run_job

with DAG(
    dag_id="flights_week",
    schedule=None,
    params={"first": Param("2013-02-01", type="string", format="date"), "days": Param(7, type="integer", minimum=1)},
    # for what befalls Airflow itself; what befalls a job has budgets of its own, and a run that stands is not run again
    default_args={"retries": 2, "retry_delay": dt.timedelta(seconds=30)},
    tags=["polarpod", "example"],
    doc_md=__doc__,
):

    @task
    def days(params: dict[str, str | int]) -> list[dict[str, str]]:
        first = dt.date.fromisoformat(str(params["first"]))
        return [{"ds": (first + dt.timedelta(days=offset)).isoformat()} for offset in range(int(params["days"]))]

    each_day = days()
    # the UI shows a day for each instance, where it would show a number
    named = {"plane": os.environ.get("POLARPOD_PLANE", "process"), "map_index_template": "{{ task.job_params['ds'] }}"}
    clean = run_job.partial("clean_flights", **named).expand(params=each_day)
    delays = run_job.partial("airport_delays", **named).expand(params=each_day)
    weather = run_job.partial("delay_by_weather", **named).expand(params=each_day)
    clean >> [delays, weather]
