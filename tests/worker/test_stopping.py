"""A worker that is asked to stop, or has had its time: it ends within its grace period and always leaves a receipt.

Excluded: a launcher that dies, see test_lost_launcher.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.support.live import Live
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category

# ends by itself only after hours; needs next to no memory
IN_A_QUERY = """
    wide = pl.LazyFrame({"id": pl.int_range(200_000, eager=True)})
    rows = wide.join(wide, how="cross").filter((pl.col("id") ^ pl.col("id_right")) == -1).select("id")
"""
COLLECTED_IN_THE_JOB = IN_A_QUERY + "    say('busy')\n    rows = rows.collect().lazy()\n"
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
    assert live.signal(number)
    return receipt_of(live)


def receipt_of(live: Live) -> Receipt:
    ran = live.end()
    assert ran.receipt is not None
    assert ran.receipt.published is None
    assert live.ended.end.code == ran.verdict.exit_code
    return ran.receipt


def ended_by_itself(receipt: Receipt) -> bool:
    """Whether the child lived to tell what it had read. A killed one tells nothing."""
    return bool(receipt.inputs)


def busy(workshop: Workshop) -> Live:
    live = Live(workshop, "work")
    live.until((workshop.root / "busy").exists, "its job was busy")
    return live


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_long_query_ends_when_asked_to(workshop: Workshop, write_job: JobWriter, number: signal.Signals) -> None:
    write_job(IN_A_QUERY)
    live = Live(workshop, "work")
    live.until(lambda: (message := live.message()) and message.phase == "stage", "a heartbeat told that it stages")
    receipt = stopped(live, number)
    assert receipt.status == "interrupted"
    assert receipt.verdict.evidence[0] == "during stage"
    assert ended_by_itself(receipt)


@pytest.mark.parametrize("body", [COLLECTED_IN_THE_JOB, IN_PYTHON], ids=["a query in the job", "a loop in the job"])
def test_the_jobs_own_code_ends_when_asked_to(workshop: Workshop, write_job: JobWriter, body: str) -> None:
    write_job(body)
    receipt = stopped(busy(workshop))
    assert receipt.status == "interrupted"
    assert receipt.verdict.evidence[0] == "during transform"
    assert ended_by_itself(receipt)


def test_a_job_that_will_not_listen_is_killed_and_still_leaves_a_receipt(workshop: Workshop, write_job: JobWriter) -> None:
    write_job(DEAF, grace_seconds=4)
    receipt = stopped(busy(workshop))
    assert receipt.status == "interrupted"
    assert receipt.verdict.category is Category.INTERRUPTED
    assert not ended_by_itself(receipt)


@pytest.mark.parametrize("body", [IN_PYTHON, DEAF, COLLECTED_IN_THE_JOB], ids=["listening", "deaf", "in a query"])
def test_a_run_ends_at_its_deadline(workshop: Workshop, write_job: JobWriter, body: str) -> None:
    write_job(body, deadline_seconds=3, grace_seconds=4)
    receipt = receipt_of(Live(workshop, "work"))
    assert receipt.status == "failed"
    assert receipt.verdict.category is Category.DEADLINE_EXCEEDED


def test_a_caller_can_ask_to_stop(workshop: Workshop, write_job: JobWriter) -> None:
    write_job(IN_PYTHON)
    live = busy(workshop)
    live.stop.set()
    assert receipt_of(live).verdict.category is Category.INTERRUPTED
    assert live.ended.end.stop_requested


def test_a_request_that_comes_before_anybody_listens_is_not_lost(workshop: Workshop, write_job: JobWriter) -> None:
    write_job(IN_PYTHON)
    live = Live(workshop, "work")
    live.until(lambda: _blocked(live.pid), "the supervisor began to hold signals back")
    receipt = stopped(live)
    assert receipt.verdict.category is Category.INTERRUPTED


def test_a_commit_is_not_interrupted(workshop: Workshop, write_job: JobWriter) -> None:
    write_job("""
        from polarpod.runtime.publish import delta
        commit = delta._commit
        def held(*arguments):
            os.kill(os.getpid(), signal.SIGSTOP)
            return commit(*arguments)
        delta._commit = held
    """)
    live = Live(workshop, "work")
    live.until(lambda: live.child and _state(live.child) == "T", "it stood before its commit")
    assert live.signal(signal.SIGTERM)
    assert live.signal(signal.SIGCONT, "child")
    assert live.verdict.category is Category.SUCCEEDED
    assert workshop.delta("out").height == 10


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _blocked(pid: int) -> bool:
    """Whether the process holds SIGTERM back, or has a handler for it already."""
    masks = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line[:3] == "Sig")
    return any(int(masks[name].strip().partition("/")[0], 16) >> (signal.SIGTERM - 1) & 1 for name in ("SigBlk", "SigCgt"))
