"""A worker that is asked to stop, or has had its time: it ends within its grace period and always leaves a receipt."""

from __future__ import annotations

import signal
import time

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk
from tests.suite.working import busy, write_work
from tests.support.live import Live

from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category

pytestmark = on_disk

# ends by itself only after hours; needs next to no memory
IN_A_QUERY = """
    wide = pl.LazyFrame({"id": pl.int_range(200_000, eager=True)})
    rows = wide.join(wide, how="cross").filter((pl.col("id") ^ pl.col("id_right")) == -1).select("id")
    say("busy")
"""
COLLECTED_IN_THE_JOB = IN_A_QUERY + "    rows = rows.collect().lazy()\n"
IN_PYTHON = """
    say("busy")
    while True:
        time.sleep(0.01)
"""
DEAF = """
    say("busy")
    while True:
        try:
            time.sleep(0.01)
        except KeyboardInterrupt:
            pass
"""


def stopped(live: Live, number: signal.Signals = signal.SIGTERM) -> Receipt:
    """The receipt of a worker that somebody else than its launcher has sent a signal."""
    assert live.signal(number)
    ran = live.end()
    assert ran.receipt is not None
    assert ran.receipt.published is None
    assert (ran.verdict.category, ran.verdict.summary) == (
        Category.WORKER_LOST,
        "the worker was ended from outside, by a signal",
    )
    return ran.receipt


def receipt_of(live: Live) -> Receipt:
    ran = live.end()
    assert ran.receipt is not None
    assert ran.receipt.published is None
    assert ran.verdict == ran.receipt.verdict
    assert live.exit_code in (ran.verdict.exit_code, None)
    return ran.receipt


def ended_by_itself(receipt: Receipt) -> bool:
    """Whether the child lived to tell what it had read. A killed one tells nothing."""
    return bool(receipt.inputs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_long_query_ends_when_asked_to(bench: Bench, number: signal.Signals) -> None:
    write_work(bench, IN_A_QUERY)
    live = busy(bench)
    time.sleep(1.5)  # from the job's last word to its query are milliseconds
    receipt = stopped(live, number)
    assert receipt.status == "interrupted"
    assert receipt.verdict.evidence[0] == "during stage"
    assert ended_by_itself(receipt)


@pytest.mark.parametrize(
    "body",
    [pytest.param(COLLECTED_IN_THE_JOB, id="a query in the job"), pytest.param(IN_PYTHON, id="a loop in the job")],
)
def test_the_jobs_own_code_ends_when_asked_to(bench: Bench, body: str) -> None:
    write_work(bench, body)
    receipt = stopped(busy(bench))
    assert receipt.status == "interrupted"
    assert receipt.verdict.evidence[0] == "during transform"
    assert ended_by_itself(receipt)


def test_a_job_that_will_not_listen_is_killed_and_still_leaves_a_receipt(bench: Bench) -> None:
    write_work(bench, DEAF, grace_seconds=4)
    receipt = stopped(busy(bench))
    assert receipt.status == "interrupted"
    assert receipt.verdict.category is Category.INTERRUPTED
    assert not ended_by_itself(receipt)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(IN_PYTHON, id="listening"),
        pytest.param(DEAF, id="deaf"),
        pytest.param(COLLECTED_IN_THE_JOB, id="in a query"),
    ],
)
def test_a_run_ends_at_its_deadline(bench: Bench, body: str) -> None:
    write_work(bench, body, deadline_seconds=3, grace_seconds=4)
    receipt = receipt_of(Live(bench, "work"))
    assert receipt.status == "failed"
    assert receipt.verdict.category is Category.DEADLINE_EXCEEDED


@pytest.mark.parametrize("body", [pytest.param(IN_PYTHON, id="listening"), pytest.param(DEAF, id="deaf")])
def test_a_caller_can_ask_to_stop(bench: Bench, body: str) -> None:
    write_work(bench, body, grace_seconds=5)
    live = busy(bench)
    live.stop.set()
    assert receipt_of(live).verdict.category is Category.INTERRUPTED
    assert live.ended.end.stop_requested


def test_a_commit_is_not_interrupted(bench: Bench) -> None:
    write_work(
        bench,
        """
        from polarpod.runtime.publish.delta import publisher as delta
        commit = delta.commit_entry
        def held(*arguments):
            os.kill(os.getpid(), signal.SIGSTOP)
            return commit(*arguments)
        delta.commit_entry = held
        """,
    )
    live = Live(bench, "work")
    live.until(live.body.stands_still, "it stood before its commit")
    assert live.signal(signal.SIGTERM)
    assert live.signal(signal.SIGCONT, "child")
    assert live.verdict.category is Category.SUCCEEDED
    assert bench.delta("out").height == 10
