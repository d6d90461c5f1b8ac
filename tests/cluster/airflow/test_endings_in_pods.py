"""What Airflow makes of each way a pod can end, with the task waiting for it and with the triggerer doing so."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest
from tests.airflow.tasks import End, a_dag, run_deferrable
from tests.cluster.airflow.yard import DAY, Yard

from polarpod.airflow import run_job
from polarpod.airflow.exceptions import AirflowFailException
from polarpod.airflow.task_log import TaskLog
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category

pytestmark = pytest.mark.parametrize("deferrable", [pytest.param(False, id="sync"), pytest.param(True, id="deferrable")])


def ended(ending: str, *, deferrable: bool, **kwargs: object) -> End:
    with a_dag():
        task = run_job(
            "tolls", plane="kind", params={"ds": DAY, "ending": ending}, deferrable=deferrable, retries=2, **kwargs
        )
    return run_deferrable(task)


def test_success_returns_the_receipts_summary(yard: Yard, *, deferrable: bool) -> None:
    end = ended("well", deferrable=deferrable)

    assert end.state == "success"
    (attempt,) = yard.attempts
    assert attempt.receipt is not None
    assert end.xcom == attempt.receipt.summary() | {"attempts": 1, "category": "succeeded"}
    assert end.xcom["rows"] == 2
    assert len(yard.pods) == 1
    yard.until_gone()


def test_a_run_that_stands_needs_no_pod(yard: Yard, *, deferrable: bool) -> None:
    first, second = ended("well", deferrable=deferrable), ended("well", deferrable=deferrable)

    assert second.xcom == first.xcom | {"category": "skipped", "attempts": 0}
    assert len(yard.pods) == 1


@pytest.mark.parametrize(
    ("ending", "category"),
    [
        pytest.param("raises", Category.JOB_FAILED, id="code"),
        pytest.param("negative", Category.CHECKS_FAILED, id="data"),
    ],
)
def test_what_a_retry_would_repeat_fails_at_once(yard: Yard, ending: str, category: Category, *, deferrable: bool) -> None:
    end = ended(ending, deferrable=deferrable)

    assert end.state == "failed"
    assert isinstance(end.error, AirflowFailException)
    (attempt,) = yard.attempts
    assert attempt.record is not None
    assert attempt.record.verdict.category == category
    assert str(end.error) == attempt.record.verdict.text()
    assert "what to do: " in str(end.error)
    assert len(yard.pods) == 1


def test_running_out_of_memory_is_tried_again_bigger_within_the_try(yard: Yard, *, deferrable: bool) -> None:
    end = ended("hungry", deferrable=deferrable)

    assert (end.state, end.xcom["attempts"], end.xcom["attempt"]) == ("success", 2, 2)
    assert [attempt.context.resources.memory_bytes // MIB for attempt in yard.attempts if attempt.context] == [256, 512]
    assert yard.verdicts == [Category.OUT_OF_MEMORY, Category.SUCCEEDED]
    assert len(yard.pods) == 2


def test_memory_that_the_plane_does_not_allow_ends_the_task(yard: Yard, *, deferrable: bool) -> None:
    yard.write_plane(max_memory="256Mi")
    end = ended("hungry", deferrable=deferrable)

    assert end.state == "failed"
    assert isinstance(end.error, AirflowFailException)
    assert str(end.error).startswith("out_of_memory: ")
    assert "more is not allowed" in str(end.error)
    assert len(yard.pods) == 1


def test_a_pod_that_is_refused_says_why_and_is_not_tried_again(yard: Yard, *, deferrable: bool) -> None:
    yard.write_plane(service_account="nobody-made-this")
    end = ended("well", deferrable=deferrable)

    assert end.state == "failed"
    assert "nobody-made-this" in str(end.error)
    assert (len(yard.attempts), yard.pods) == (1, [])
    assert yard.verdicts[0] is not None


def test_an_image_that_is_not_there_fails_while_the_pod_waits(yard: Yard, *, deferrable: bool) -> None:
    yard.write_plane(image="polarpod-job:nobody-built-this")
    end = ended("well", deferrable=deferrable)

    assert end.state == "failed"
    assert str(end.error).startswith("image_unusable: ")
    yard.until_gone()


def test_each_line_of_the_log_comes_once_and_without_secrets(
    yard: Yard, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, deferrable: bool
) -> None:
    heard: dict[str, float] = {}
    say = TaskLog.log

    def hear(words: TaskLog, lines: bytes) -> None:
        heard[lines.decode().strip()] = time.monotonic()
        say(words, lines)

    monkeypatch.setattr(TaskLog, "log", hear)
    ended("talks", deferrable=deferrable)

    said = capfd.readouterr().out
    print(said)
    lines = Counter(re.findall(r"\| (passage \d|password=\S+)", said))
    assert lines == {"passage 0": 1, "passage 1": 1, "passage 2": 1, "password=***": 1}
    if not deferrable:
        # as they were said, not all together at the end
        assert heard["passage 2"] - heard["passage 0"] > 2
