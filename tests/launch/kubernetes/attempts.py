"""An attempt that is always the same, for manifests that are compared byte by byte."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Context
from polarpod.contract.dataset import Delta, Parquet
from polarpod.contract.job import JobSpec
from polarpod.contract.resources import GIB, Resources
from polarpod.launch.planes.kubernetes.config import KubernetesPlane

CONTEXT = Context(
    job=JobSpec(
        name="airport_delays",
        module="airport_delays",
        function="airport_delays",
        inputs={"airports": Parquet("s3://example/lake/raw/airports/airports.parquet")},
        output=Delta("s3://example/lake/marts/airport_delays", replace={"ds": "2013-02-01"}),
    ),
    params={"ds": "2013-02-01"},
    run_key="ds-2013-02-01-2b16095278",
    attempt=Attempt(number=3, uid="9f86d081884c7d659a2feaa0c55ad015"),
    code_version="9eec260b31491df22a37a9ee6a26b3ec",
    plane="example",
    resources=Resources(cpu=2, memory_bytes=4 * GIB),
    deadline_seconds=3600,
    grace_seconds=30,
    attempt_uri="s3://example/state/runs/airport_delays/ds-2013-02-01-2b16095278/9f86d081884c7d659a2feaa0c55ad015",
    created_at=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    labels={"airflow.dag_id": "flights", "airflow.task_id": "airport_delays"},
)


def context(**changes: Any) -> Context:
    return msgspec.structs.replace(CONTEXT, **changes)


def data_of(attempt: Context) -> bytes:
    return encode(attempt)


def plane(**fields: Any) -> KubernetesPlane:
    return KubernetesPlane(**{"namespace": "etl", "image": "jobs:1", "state": "s3://example/state"} | fields)
