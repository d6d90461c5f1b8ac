"""Somebody else writes to the table while a run works: both stand, or the run says what changed."""

from __future__ import annotations

import pytest
from tests.suite.bench import Bench

# The other writer comes in the middle of the run, from inside its query.
JOBS = """
import os
import deltalake

OPTIONS = {"aws_endpoint_url": "ENDPOINT", "aws_region": "us-east-1", "allow_http": "true"}

def meanwhile(frame):
    options = OPTIONS if "AWS_ACCESS_KEY_ID" in os.environ else None
    other = pl.DataFrame({"id": [100], "day": ["tue"]})
    deltalake.write_deltalake("LAKE/out", other, mode="append", partition_by=["day"], storage_options=options)
    return frame

def rows():
    return pl.LazyFrame({"id": [1], "day": ["mon"]}).map_batches(meanwhile)

@job(inputs={}, output=Delta("{lake}/out", replace={"day": "{day}"}), memory="512Mi")
def replaced(*, day):
    return rows()

@job(inputs={}, output=Delta("{lake}/out", append=True, partition_by=["day"]), memory="512Mi")
def appended():
    return rows()

@job(inputs={}, output=Delta("{lake}/out", merge=["id"], partition_by=["day"]), memory="512Mi")
def merged():
    return rows()

@job(inputs={}, output=Delta("{lake}/out", replace={}, partition_by=["day"]), memory="512Mi")
def everything():
    return rows()
"""


@pytest.mark.parametrize(
    ("name", "params"),
    [
        pytest.param("replaced", {"day": "mon"}, id="replace"),
        pytest.param("appended", {}, id="append"),
        pytest.param("merged", {}, id="merge"),
    ],
)
def test_rows_that_somebody_else_adds_meanwhile_stay(bench: Bench, name: str, params: dict[str, str]) -> None:
    meet(bench)
    bench.publish(name, **params)
    assert bench.rows("out") == [(1, "mon"), (100, "tue")]


def test_a_run_that_owns_the_whole_table_replaces_what_came_meanwhile(bench: Bench) -> None:
    meet(bench)
    bench.publish("everything")
    assert bench.rows("out") == [(1, "mon")]


def meet(bench: Bench) -> None:
    bench.write_job(JOBS.replace("LAKE", bench.lake).replace("ENDPOINT", str(bench.plane.storage_of_workers.endpoint_url)))
