"""What Airflow makes of each way a run can end: states, retries, XComs and texts. Workers are real, on the process plane."""

from __future__ import annotations

import pytest
from tests.airflow.shop import DAY, Shop
from tests.airflow.tasks import End, a_dag, run_task

from polarpod.airflow import run_job
from polarpod.airflow.exceptions import AirflowException, AirflowFailException
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category


def ended(ending: str = "well", day: str = DAY, **kwargs: object) -> End:
    with a_dag():
        task = run_job("takings", plane="process", params={"ds": day, "ending": ending}, retries=2, **kwargs)
    return run_task(task)


def test_success_returns_the_receipts_summary(shop: Shop) -> None:
    end = ended()

    assert end.state == "success"
    receipt = shop.receipt
    assert end.xcom == receipt.summary() | {"attempts": 1}
    assert (end.xcom["category"], end.xcom["rows"], end.xcom["version"]) == ("succeeded", 2, 0)
    assert end.xcom["uri"] == str(shop.lake / "takings")
    assert shop.leftovers() == []


def test_a_run_that_stands_is_skipped_without_a_worker(shop: Shop) -> None:
    first, second = ended(), ended()

    assert second.state == "success"
    assert second.xcom == first.xcom | {"category": "skipped", "attempts": 0}
    assert len(shop.attempts) == 1


def test_force_runs_again_although_the_receipt_stands(shop: Shop) -> None:
    ended()
    end = ended(force=True)

    assert (end.xcom["category"], end.xcom["attempt"]) == ("succeeded", 2)


@pytest.mark.parametrize(
    ("ending", "category"),
    [
        pytest.param("raises", Category.JOB_FAILED, id="the job raises"),
        pytest.param("returns_number", Category.JOB_RETURNED_WRONG, id="the job returns no LazyFrame"),
    ],
)
def test_a_failure_of_the_code_is_not_retried(shop: Shop, ending: str, category: Category) -> None:
    end = ended(ending)

    assert end.state == "failed"
    assert isinstance(end.error, AirflowFailException)
    assert shop.receipt.verdict.category == category
    assert str(end.error) == shop.receipt.verdict.text()


@pytest.mark.parametrize(
    ("cents", "category"),
    [
        pytest.param({"corner": -1}, Category.CHECKS_FAILED, id="a row breaks a rule"),
        pytest.param({}, Category.INPUT_EMPTY, id="no rows"),
    ],
)
def test_a_failure_of_the_data_is_not_retried(shop: Shop, cents: dict[str, int], category: Category) -> None:
    shop.put_sales(DAY, cents)
    end = ended()

    assert end.state == "failed"
    assert isinstance(end.error, AirflowFailException)
    assert str(end.error).startswith(f"{category}: ")
    assert "what to do: " in str(end.error)


def test_an_input_that_is_not_there_fails_before_a_worker_starts(shop: Shop) -> None:
    end = ended(day="2013-03-01")

    assert (end.state, shop.attempts) == ("failed", [])
    assert str(end.error).startswith("input_missing: ")


def test_running_out_of_memory_is_tried_again_bigger_within_the_try(shop: Shop) -> None:
    end = ended("hungry")

    assert (end.state, end.xcom["attempts"], end.xcom["attempt"]) == ("success", 2, 2)
    assert [attempt.context.resources.memory_bytes // MIB for attempt in shop.attempts if attempt.context] == [512, 1024]
    assert [str(attempt.record.verdict.category) for attempt in shop.attempts if attempt.record] == [
        "out_of_memory",
        "succeeded",
    ]


def test_memory_that_the_plane_does_not_allow_ends_the_task(shop: Shop) -> None:
    shop.write_plane(max_memory="512Mi")
    end = ended("hungry")

    assert end.state == "failed"
    assert isinstance(end.error, AirflowFailException)
    assert str(end.error).startswith("out_of_memory: ")
    assert "more is not allowed" in str(end.error)
    assert len(shop.attempts) == 1


def test_a_worker_that_vanishes_is_replaced_within_the_try(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    end = ended("killed_1")

    assert (end.state, end.xcom["attempts"]) == ("success", 2)
    assert shop.leftovers() == []
    # its last words came through, although it had no time to say that they were
    assert capsys.readouterr().out.count("| counted half of the till") == 1


@pytest.mark.parametrize(
    ("ending", "plane", "category"),
    [
        pytest.param("killed_9", {}, Category.WORKER_LOST, id="the worker vanishes again and again"),
        pytest.param("well", {"scratch": "/proc/nowhere"}, Category.SPILL_UNUSABLE, id="a machine without room to work"),
    ],
)
def test_a_platform_that_stays_broken_is_for_the_tasks_own_retries(
    shop: Shop, ending: str, plane: dict[str, str], category: Category
) -> None:
    shop.write_plane(**plane)
    end = ended(ending)

    assert end.state == "up_for_retry"
    assert type(end.error) is AirflowException
    assert str(end.error).startswith(f"{category}: ")
    assert [attempt.record.verdict.category for attempt in shop.attempts if attempt.record] == [category] * 3


def test_an_error_shows_the_verdict_and_no_secret(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "of-the-launcher-7731")
    shop.write_plane(
        environment={"SHOP_MARKS": str(shop.marks), "SHOP_TOKEN": "of-the-plane-4411"}, environment_from=["SHOP_PASSWORD"]
    )
    end = ended("raises")

    assert "what to do: " in end.text
    assert "7731" not in end.text
    assert "4411" not in end.text
    # neither the context, which quotes the whole job, nor anybody's environment
    assert len(end.text) < 4_000


def test_the_receipt_names_the_task_that_asked(shop: Shop) -> None:
    ended(task_id="sum_up")

    assert shop.receipt.labels == {
        "airflow.dag_id": "shop",
        "airflow.task_id": "sum_up",
        "airflow.run_id": "manual__2013-02-01",
        "airflow.try_number": "1",
    }
