"""A task's own retries: spent on what outlasts the relaunches within a try, and each try knows what the one before met."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

import pytest
from airflow.sdk import TaskGroup
from tests.airflow.runs import run_dag
from tests.airflow.shop import DAY, Shop
from tests.airflow.tasks import a_dag

from polarpod.airflow import run_job

Args: TypeAlias = dict[str, Any]
AT_ONCE: Args = {"retries": 2, "retry_delay": dt.timedelta(0)}


def labels(shop: Shop) -> list[str]:
    """Which try asked for each attempt."""
    return [attempt.context.labels["airflow.try_number"] for attempt in shop.attempts if attempt.context]


@pytest.mark.parametrize("ending", ["hungry", "killed_1"])
def test_what_a_relaunch_mends_costs_no_retry(shop: Shop, airflow_db: None, ending: str) -> None:
    with a_dag("relaunched", default_args=AT_ONCE) as dag:
        run_job("takings", plane="process", params={"ds": DAY, "ending": ending})

    end = run_dag(dag)["takings", -1]

    assert (end.state, end.tries, end.xcom["attempt"]) == ("success", 1, 2)
    assert labels(shop) == ["1", "1"]


def test_a_retry_goes_on_where_the_relaunches_ended(shop: Shop, airflow_db: None) -> None:
    with a_dag("retried", default_args=AT_ONCE) as dag:
        run_job("takings", plane="process", params={"ds": DAY, "ending": "killed_4"})

    end = run_dag(dag)["takings", -1]

    assert (end.state, end.tries, end.xcom["attempt"]) == ("success", 2, 5)
    assert labels(shop) == ["1", "1", "1", "2", "2"]


def test_what_a_retry_cannot_mend_is_tried_once(shop: Shop, airflow_db: None) -> None:
    with a_dag("once", default_args=AT_ONCE) as dag:
        run_job("takings", plane="process", params={"ds": DAY, "ending": "raises"})

    end = run_dag(dag)["takings", -1]

    assert (end.state, end.tries) == ("failed", 1)
    assert len(shop.attempts) == 1


@pytest.mark.parametrize("mapped", [pytest.param(False, id="plain"), pytest.param(True, id="mapped")])
@pytest.mark.parametrize(
    ("retries", "dag_args", "group_args", "task_args"),
    [
        pytest.param(0, {}, {}, {}, id="nobody says"),
        pytest.param(5, {"retries": 5}, {}, {}, id="the DAG says"),
        pytest.param(4, {"retries": 5}, {"retries": 4}, {}, id="the task group says"),
        pytest.param(1, {"retries": 5}, {"retries": 4}, {"retries": 1}, id="the task says"),
    ],
)
def test_the_number_of_retries_is_the_authors(
    shop: Shop, retries: int, dag_args: Args, group_args: Args, task_args: Args, *, mapped: bool
) -> None:
    with a_dag("counting", default_args=dag_args), TaskGroup("group", default_args=group_args):
        if mapped:
            task = run_job.partial("takings", plane="process", **task_args).expand(params=[{"ds": DAY}])
            assert task.unmap({"job_params": {"ds": DAY}}).retries == retries
        else:
            task = run_job("takings", plane="process", params={"ds": DAY}, **task_args)

    assert task.retries == retries
