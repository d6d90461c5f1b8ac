"""One day of flights, from landing to marts, on any plane: clean_flights, then two marts side by side.

Thin on purpose: which job, on which plane, when. The jobs' code is not imported here; their specs are read from
release.json, which `polarpod release` writes.
"""

from __future__ import annotations

import datetime as dt
import os

from airflow.sdk import DAG

from polarpod.airflow import run_job

# one word: this machine where nothing is said, pods in the local stack
PLANE = os.environ.get("POLARPOD_PLANE", "process")

with DAG(
    dag_id="flights",
    schedule="@daily",
    start_date=dt.datetime(2013, 1, 1, tzinfo=dt.UTC),
    end_date=dt.datetime(2013, 12, 31, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=4,
    # for what befalls Airflow itself; what befalls a job has budgets of its own, and a run that stands is not run again
    default_args={"retries": 2, "retry_delay": dt.timedelta(seconds=30)},
    tags=["polarpod", "example"],
    doc_md=__doc__,
):
    day = {"ds": "{{ ds }}"}
    clean = run_job("clean_flights", plane=PLANE, params=day)
    delays = run_job("airport_delays", plane=PLANE, params=day)
    weather = run_job("delay_by_weather", plane=PLANE, params=day)
    clean >> [delays, weather]
