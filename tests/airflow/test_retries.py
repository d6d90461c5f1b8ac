"""How often, and how big: Airflow counts the tries, the state store tells each try what the one before met."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

import pytest
from airflow.sdk import TaskGroup
from tests.airflow.runs import run_dag
from tests.airflow.shop import DAY, Shop
from tests.airflow.tasks import a_dag

from polarpod.airflow import run_job
from polarpod.contract.resources import MIB

Args: TypeAlias = dict[str, Any]
AT_ONCE: Args = {"retry_delay": dt.timedelta(0)}


def test_the_retry_after_running_out_of_memory_is_bigger_and_succeeds(shop: Shop, airflow_db: None) -> None:
    with a_dag("memory", default_args=AT_ONCE) as dag:
        run_job("takings", plane="process", params={"ds": DAY, "ending": "hungry"})

    end = run_dag(dag)["takings", -1]

    assert (end.state, end.tries) == ("success", 2)
    assert [attempt.context.resources.memory_bytes // MIB for attempt in shop.attempts if attempt.context] == [512, 1024]
    assert [str(attempt.record.verdict.category) for attempt in shop.attempts if attempt.record] == [
        "out_of_memory",
        "succeeded",
    ]
    assert [attempt.receipt.labels["airflow.try_number"] for attempt in shop.attempts if attempt.receipt] == ["1", "2"]
    assert end.xcom["attempt"] == 2


def test_the_retry_after_a_lost_worker_succeeds(shop: Shop, airflow_db: None) -> None:
    with a_dag("lost", default_args=AT_ONCE) as dag:
        run_job("takings", plane="process", params={"ds": DAY, "ending": "killed_once"})

    end = run_dag(dag)["takings", -1]

    assert (end.state, end.tries) == ("success", 2)


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
        pytest.param(3, {}, {}, {}, id="nobody says"),
        pytest.param(3, {"retry_delay": dt.timedelta(0)}, {}, {}, id="the DAG says other things"),
        pytest.param(5, {"retries": 5}, {}, {}, id="the DAG says"),
        pytest.param(0, {"retries": 0}, {}, {}, id="the DAG says none"),
        pytest.param(0, {"retries": 5}, {"retries": 0}, {}, id="the task group says none"),
        pytest.param(1, {"retries": 5}, {"retries": 4}, {"retries": 1}, id="the task says"),
        pytest.param(0, {"retries": 5}, {}, {"retries": 0}, id="the task says none"),
        pytest.param(2, {"retries": 5}, {}, {"default_args": {"retries": 2}}, id="the task's own default_args say"),
    ],
)
def test_there_are_three_retries_unless_somebody_says_otherwise(
    shop: Shop, retries: int, dag_args: Args, group_args: Args, task_args: Args, *, mapped: bool
) -> None:
    with a_dag("counting", default_args=dag_args), TaskGroup("group", default_args=group_args):
        if mapped:
            task = run_job.partial("takings", plane="process", **task_args).expand(params=[{"ds": DAY}])
            assert task.unmap({"job_params": {"ds": DAY}}).retries == retries
        else:
            task = run_job("takings", plane="process", params={"ds": DAY}, **task_args)

    assert task.retries == retries
