"""Fifty pods at once on one node: mapped tasks, whose triggers wait in one event loop as in the triggerer."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from tests.airflow.tasks import Deferral, a_dag, first_event, run_task
from tests.cluster.airflow.yard import Yard

from polarpod.airflow import run_job
from polarpod.contract.verdict import Category

# long enough that the first still works when the last is made
DAYS = [{"ds": str(dt.date(2013, 1, 1) + dt.timedelta(days=number)), "ending": "a long while"} for number in range(50)]


@pytest.mark.timeout(600)
def test_fifty_mapped_tasks_at_once_all_end_truthfully(yard: Yard) -> None:
    with a_dag():
        mapped = run_job.partial("tolls", plane="kind", deferrable=True).expand(params=DAYS)
    tasks = [mapped.unmap({"job_params": day}) for day in DAYS]
    ends = [run_task(task, map_index=index) for index, task in enumerate(tasks)]
    # more than once where the platform fails one of them: that is relaunched
    while waiting := {index: end.deferral for index, end in enumerate(ends) if end.deferral}:
        events = asyncio.run(wait_for(list(waiting.values())))
        for (index, deferral), event in zip(waiting.items(), events, strict=True):
            ends[index] = run_task(tasks[index], map_index=index, woken=(deferral, event))

    assert [end.state for end in ends] == ["success"] * len(DAYS), yard.verdicts
    assert [end.xcom["rows"] for end in ends] == [2] * len(DAYS)
    assert len({end.xcom["version"] for end in ends}) == len(DAYS)
    assert yard.verdicts.count(Category.SUCCEEDED) == len(DAYS)
    assert len(yard.pods) == len(yard.attempts)
    assert yard.most_at_once >= len(DAYS)
    yard.until_gone()


async def wait_for(deferrals: list[Deferral]) -> list[Any]:
    return await asyncio.gather(*(first_event(deferral.trigger) for deferral in deferrals))
