"""What became of an attempt, by exit status, last message and receipt: a table."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.samples import RECEIPT, UID

from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import GIB, MIB
from polarpod.contract.verdict import Category, Verdict, exit_code_of, is_success
from polarpod.launch.planes.process.diagnose import Exit, judge

OTHER = "f" * 32
DONE = Verdict(category=Category.SUCCEEDED, summary="published")
SUCCESS = msgspec.structs.replace(RECEIPT, status="succeeded", verdict=DONE)
FAILURE = RECEIPT
ANOTHERS = msgspec.structs.replace(SUCCESS, attempt=msgspec.structs.replace(SUCCESS.attempt, uid=OTHER))
HEARTBEAT = Message(kind="heartbeat", uid=UID, phase="stage", rows=12_345, elapsed_seconds=1.5, memory_peak_bytes=900 * MIB)


def end(code: int = 0, *, oom: bool = False, late: bool = False, stopped: bool = False) -> Exit:
    return Exit(code, oom_killed=oom, deadline_passed=late, stop_requested=stopped, memory_limit_bytes=GIB)


@pytest.mark.parametrize(
    ("ended", "message", "receipt", "category"),
    [
        pytest.param(end(0), None, SUCCESS, Category.SUCCEEDED, id="exit 0 and a receipt"),
        pytest.param(end(24), None, FAILURE, Category.CHECKS_FAILED, id="a failure that tells its own story"),
        pytest.param(end(-9), None, SUCCESS, Category.SUCCEEDED, id="killed after its receipt was written"),
        pytest.param(end(-9, oom=True), HEARTBEAT, SUCCESS, Category.SUCCEEDED, id="out of memory after its receipt"),
        pytest.param(end(0, late=True, stopped=True), None, SUCCESS, Category.SUCCEEDED, id="stopped after its receipt"),
        pytest.param(end(0), None, None, Category.RECEIPT_MISSING, id="exit 0 without a receipt"),
        pytest.param(end(0), None, ANOTHERS, Category.RECEIPT_MISSING, id="exit 0 with another attempt's receipt"),
        pytest.param(end(-9), None, ANOTHERS, Category.WORKER_LOST, id="killed, with another attempt's receipt"),
        pytest.param(end(-9, oom=True), HEARTBEAT, None, Category.OUT_OF_MEMORY, id="killed by the memory limit"),
        pytest.param(end(0, oom=True), None, None, Category.OUT_OF_MEMORY, id="exit 0, but something in it was killed"),
        pytest.param(end(-9, oom=True, late=True), None, None, Category.OUT_OF_MEMORY, id="memory before the deadline"),
        pytest.param(end(-9, late=True), None, None, Category.DEADLINE_EXCEEDED, id="too late"),
        pytest.param(end(-15, late=True, stopped=True), None, None, Category.DEADLINE_EXCEEDED, id="too late, then stopped"),
        pytest.param(end(-15, stopped=True), None, None, Category.INTERRUPTED, id="asked to stop"),
        pytest.param(end(0, stopped=True), None, None, Category.INTERRUPTED, id="asked to stop, exit 0"),
        pytest.param(end(-15), None, None, Category.WORKER_LOST, id="SIGTERM by somebody else"),
        pytest.param(end(-11), None, None, Category.WORKER_LOST, id="a segmentation fault of the supervisor"),
        pytest.param(end(1), None, None, Category.WORKER_LOST, id="Python's own exit code"),
        pytest.param(end(127), None, None, Category.WORKER_LOST, id="no interpreter"),
        pytest.param(end(16), None, None, Category.STORAGE_DENIED, id="could not write its receipt"),
        pytest.param(end(53), None, None, Category.CONTEXT_INVALID, id="could not read its context"),
    ],
)
def test_the_verdict_is(ended: Exit, message: Message | None, receipt: Receipt | None, category: Category) -> None:
    assert judge(ended, message, receipt, uid=UID).category is category


@pytest.mark.parametrize(
    "category",
    [
        pytest.param(category, id=str(category))
        for category in Category
        if not is_success(category) and category is not Category.INTERRUPTED
    ],
)
def test_an_exit_code_is_read_back_as_its_category_where_there_is_no_receipt(category: Category) -> None:
    verdict = judge(end(exit_code_of(category)), None, None, uid=UID)
    assert verdict.category is category
    assert f"exit code {exit_code_of(category)} ({category}) before it could write a receipt" in verdict.summary


STOPPED = msgspec.structs.replace(
    RECEIPT,
    status="interrupted",
    verdict=Verdict(
        category=Category.INTERRUPTED, summary="the run was asked to stop, and stopped", evidence=["peak 1 MiB"]
    ),
)


@pytest.mark.parametrize("receipt", [pytest.param(STOPPED, id="with a receipt"), pytest.param(None, id="without a receipt")])
def test_a_worker_that_this_launcher_did_not_ask_to_stop_was_ended_from_outside(receipt: Receipt | None) -> None:
    verdict = judge(end(exit_code_of(Category.INTERRUPTED)), None, receipt, uid=UID)
    assert verdict.category is Category.WORKER_LOST
    assert verdict.summary == "the worker was ended from outside, by a signal"
    said = (
        ["the worker said: the run was asked to stop, and stopped", "peak 1 MiB"]
        if receipt
        else ["exit code 50", "no receipt"]
    )
    assert verdict.evidence == ["this launcher did not ask it to stop", *said]


@pytest.mark.parametrize("late", [pytest.param(True, id="at its deadline"), pytest.param(False, id="for its caller")])
def test_a_worker_that_this_launcher_asked_to_stop_tells_it_itself(late: bool) -> None:
    assert judge(end(50, stopped=not late, late=late), None, STOPPED, uid=UID) == STOPPED.verdict


def test_a_receipts_own_verdict_is_passed_on_word_for_word() -> None:
    assert judge(end(24), HEARTBEAT, FAILURE, uid=UID) == FAILURE.verdict


def test_after_an_out_of_memory_kill_the_last_heartbeat_still_tells_the_peak() -> None:
    verdict = judge(end(-9, oom=True), HEARTBEAT, None, uid=UID)
    assert verdict.summary == "the worker needed more than its 1.0 GiB of memory"
    assert verdict.evidence == [
        "last measured peak 900 MiB",
        "killed by SIGKILL",
        "no receipt",
        "last heartbeat: stage, 12,345 rows, 1.5 s, peak 900 MiB",
    ]
    assert "raise `memory` in @job" in verdict.remedy


@pytest.mark.parametrize(
    "message",
    [pytest.param(None, id="none"), pytest.param(msgspec.structs.replace(HEARTBEAT, uid=OTHER), id="another attempt's")],
)
def test_without_a_heartbeat_of_its_own_the_peak_is_unknown(message: Message | None) -> None:
    verdict = judge(end(-9, oom=True), message, None, uid=UID)
    assert verdict.evidence == ["last measured peak unknown", "killed by SIGKILL", "no receipt"]


@pytest.mark.parametrize(
    ("code", "name"),
    [pytest.param(-15, "SIGTERM", id="a known signal"), pytest.param(-200, "signal 200", id="no signal of this machine")],
)
def test_a_killed_worker_is_told_by_its_signal(code: int, name: str) -> None:
    assert judge(end(code), None, None, uid=UID).summary == f"the worker was killed from outside ({name})"


def test_success_without_a_receipt_says_what_to_check() -> None:
    verdict = judge(end(0), None, None, uid=UID)
    assert verdict.summary == "the worker ended well but left no receipt"
    assert "one state store" in verdict.remedy


# signals 32 to 64 have a test of their own below
ENDS = st.builds(Exit, st.integers(-31, 255), st.booleans(), st.booleans(), st.booleans(), st.just(GIB))
MESSAGES = st.sampled_from([None, HEARTBEAT, msgspec.structs.replace(HEARTBEAT, uid=OTHER)])


@given(ended=ENDS, message=MESSAGES, receipt=st.sampled_from([None, ANOTHERS]))
def test_without_a_receipt_of_its_own_nothing_is_ever_a_success(ended: Exit, message: Any, receipt: Any) -> None:
    verdict = judge(ended, message, receipt, uid=UID)
    assert not verdict.succeeded
    assert verdict.summary
    assert verdict.remedy
    assert "no receipt" in verdict.evidence


@given(ended=ENDS, message=MESSAGES)
def test_with_a_receipt_of_its_own_nothing_else_counts(ended: Exit, message: Any) -> None:
    assert judge(ended, message, SUCCESS, uid=UID) == DONE


def test_a_real_time_signal_is_told_by_its_number() -> None:
    assert judge(end(-35), None, None, uid=UID).summary == "the worker was killed from outside (signal 35)"
