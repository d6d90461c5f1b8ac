"""Mapped tasks and templates, in whole DAG runs: a run of a job for every element."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import task
from tests.airflow.runs import run_dag
from tests.airflow.shop import Shop
from tests.airflow.tasks import a_dag, run_task

from polarpod.airflow import run_job

pytestmark = pytest.mark.usefixtures("airflow_db")


def days_of(shop: Shop) -> dict[str, dict[str, str]]:
    """Day -> labels, of every run that was published."""
    return {str(attempt.receipt.params["ds"]): attempt.receipt.labels for attempt in shop.attempts if attempt.receipt}


def test_literal_dicts_are_mapped_with_their_templates_rendered(shop: Shop) -> None:
    with a_dag("literal") as dag:
        run_job.partial("takings", plane="process").expand(params=[{"ds": "{{ ds }}"}, {"ds": "2013-02-02"}])

    tasks = run_dag(dag)

    assert [tasks["takings", index].state for index in range(2)] == ["success", "success"]
    assert [tasks["takings", index].xcom["category"] for index in range(2)] == ["succeeded", "succeeded"]
    assert {day: labels["airflow.map_index"] for day, labels in days_of(shop).items()} == {
        "2013-02-01": "0",
        "2013-02-02": "1",
    }


def test_the_output_of_another_task_is_mapped(shop: Shop) -> None:
    with a_dag("upstream") as dag:

        @task
        def days() -> list[dict[str, str]]:
            return [{"ds": f"2013-02-0{day}"} for day in (1, 2, 3)]

        run_job.partial("takings", plane="process", task_id="each").expand(params=days())

    tasks = run_dag(dag)

    assert [tasks["each", index].xcom["rows"] for index in range(3)] == [2, 2, 2]
    assert sorted(days_of(shop)) == ["2013-02-01", "2013-02-02", "2013-02-03"]


def test_an_instance_may_be_named_after_its_parameters(shop: Shop) -> None:
    with a_dag("named") as dag:
        mapped = run_job.partial("takings", plane="process", map_index_template="{{ task.job_params['ds'] }}")
        mapped.expand(params=[{"ds": "2013-02-02"}])

    assert run_dag(dag)["takings", 0].name == "2013-02-02"


def test_parameters_may_come_from_another_task(shop: Shop) -> None:
    with a_dag("handed") as dag:

        @task
        def a_day() -> dict[str, str]:
            return {"ds": "2013-02-02"}

        first = run_job("takings", plane="process", params=a_day(), task_id="first")
        # a fact of one run's summary in the parameters of another
        counted = "2013-02-0{{ ti.xcom_pull(task_ids='first')['rows'] + 1 }}"
        first >> run_job("takings", plane="process", params={"ds": counted}, task_id="second")

    tasks = run_dag(dag)

    assert [tasks[name, -1].state for name in ("a_day", "first", "second")] == ["success"] * 3
    assert sorted(days_of(shop)) == ["2013-02-02", "2013-02-03"]


@pytest.mark.parametrize(
    ("element", "words"),
    [
        pytest.param({"dz": "2013-02-01"}, "missing: ds", id="wrong names"),
        pytest.param("2013-02-01", "the parameters are not a mapping", id="no dict"),
        pytest.param({"ds": ["2013-02-01"]}, "ds is a list", id="a list for a value"),
        pytest.param({"ds": None}, "ds is a NoneType", id="no value"),
    ],
)
def test_wrong_parameters_of_another_task_fail_without_retries(shop: Shop, element: Any, words: str) -> None:
    with a_dag("wrong"):
        mapped = run_job.partial("takings", plane="process", retries=2).expand(params=[{"ds": "2013-02-01"}])
    # what Airflow makes of the mapped task for one element of what an upstream task returned
    end = run_task(mapped.unmap({"job_params": element}))

    assert end.state == "failed"
    assert words in str(end.error)
    assert shop.attempts == []


def test_templates_see_what_airflow_knows(shop: Shop) -> None:
    with a_dag("templates", params={"ending": "well"}):
        run = run_job("takings", plane="process", params={"ds": "{{ ds }}", "ending": "{{ params.ending }}"})

    end = run_task(run)

    assert end.state == "success"
    assert shop.receipt.params == {"ds": "2013-02-01", "ending": "well"}


def test_a_template_that_renders_to_no_date_is_the_requests_fault(shop: Shop) -> None:
    with a_dag("no_date"):
        run = run_job("takings", plane="process", params={"ds": "{{ ts }}"})

    end = run_task(run)

    assert (end.state, shop.attempts) == ("failed", [])
    assert "parameter 'ds' must be a date" in str(end.error)
