"""A DAG of real jobs, through Airflow's REST API: from raw files in S3 to tables, receipts and logs."""

from __future__ import annotations

import base64
import json

import boto3
import pytest
from polars.testing import assert_frame_equal
from tests.cluster.stack.conftest import Run
from tests.cluster.stack.flight_oracle import FlightOracle, published
from tests.cluster.stack.local_stack import DAG, LAST_WORDS, TABLES, Stack, secrets_of, until
from tools.stack.names import S3

from polarpod.contract.verdict import Category


def test_every_task_of_a_week_ends_well(stack: Stack, february: Run) -> None:
    ended = [(task["task_id"], task["map_index"], task["state"]) for task in stack.tasks(february.id)]
    assert sorted(ended) == sorted((job, index, "success") for job in TABLES for index in range(len(february.days)))


def test_the_xcom_of_a_task_is_its_receipts_summary(stack: Stack, february: Run) -> None:
    for task in stack.tasks(february.id):
        summary = stack.rest.xcom(task)
        receipt = stack.state.receipt(task["task_id"], summary["run_key"], summary["uid"])
        assert receipt is not None
        told = receipt.summary() | {"category": summary["category"], "attempts": summary["attempts"]}
        assert summary == json.loads(json.dumps(told))
        assert task["rendered_map_index"] == february.days[task["map_index"]] == receipt.params["ds"]


@pytest.mark.parametrize("job", TABLES)
def test_a_table_holds_row_for_row_what_this_machine_makes_of_the_same_data(
    stack: Stack, february: Run, oracle: FlightOracle, job: str
) -> None:
    expected = oracle.expected(job, february.days)
    assert expected["ds"].unique().sort().to_list() == february.days
    assert_frame_equal(published(stack, job, february.days), expected)


@pytest.mark.parametrize("job", TABLES)
def test_every_attempt_that_succeeded_has_a_receipt_that_says_what_it_published(
    stack: Stack, february: Run, job: str
) -> None:
    for day in february.days:
        attempts = stack.attempts(job, day)
        good = [info for info in attempts if info.record and info.record.verdict.category is Category.SUCCEEDED]
        assert good, f"{job} of {day}: {[info.record and info.record.verdict.text() for info in attempts]}"
        for info in good:
            assert info.receipt
            assert info.receipt.status == "succeeded"
            assert info.receipt.published
            assert info.receipt.published.rows == published(stack, job, [day]).height


@pytest.fixture(scope="module")
def logs(stack: Stack, new_day: Run) -> dict[str, str]:
    """All that the tasks of a run have said, as it is in the store: key -> text."""
    store = boto3.client("s3", endpoint_url=S3, region_name="us-east-1")
    prefix = f"tasks/dag_id={DAG}/run_id={new_day.id}/"
    found: dict[str, str] = {}

    def whole() -> bool:
        keys = [one["Key"] for one in store.list_objects_v2(Bucket="airflow-logs", Prefix=prefix).get("Contents", ())]
        found.update({key: store.get_object(Bucket="airflow-logs", Key=key)["Body"].read().decode() for key in keys})
        return sum(LAST_WORDS in text for text in found.values()) > len(TABLES)

    # they come after the run's end; one more is of the task that lists the days
    until(whole, "all logs were in the store", seconds=60)
    return found


@pytest.fixture(scope="module")
def new_day(stack: Stack) -> Run:
    """A run whose pods have all started: no receipt stood."""
    days = stack.new_days(1)
    run = stack.trigger(days)
    assert stack.succeeds(run)
    return Run(run, days)


@pytest.mark.parametrize("job", TABLES)
def test_the_log_of_a_task_is_in_s3_and_is_what_the_api_serves(
    stack: Stack, new_day: Run, logs: dict[str, str], job: str
) -> None:
    (task,) = [task for task in stack.tasks(new_day.id) if task["task_id"] == job]
    (kept,) = [text for key, text in logs.items() if f"/task_id={job}/" in key]
    told = stack.log(task)
    uid = stack.rest.xcom(task)["uid"]

    for log in (kept, "\n".join(told)):
        assert f"{job}/ds-{new_day.days[0]}-" in log
        assert f"/{uid}/receipt.json" in log
        assert "succeeded: published" in log
    said = [json.loads(line)["event"] for line in kept.splitlines()]
    assert [event for event in said if event not in told] == []


def test_no_log_has_a_secret_in_it(logs: dict[str, str]) -> None:
    secrets = {
        f"{name}: {key}": base64.b64decode(value).decode()
        for name, values in secrets_of().items()
        for key, value in values.items()
        if key not in ("user", "access-key-id")
    }
    assert len(secrets) > 5
    assert len(logs) >= len(TABLES)
    told = [what for what, value in secrets.items() for text in logs.values() if value in text]
    assert told == []
