"""Where the receipt and the cluster both have something to say: which of them is believed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.samples import RECEIPT
from tests.launch.kubernetes.pods import NAMES, status_of, verdict_on

from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category, Verdict


def receipt(category: Category, **changes: Any) -> Receipt:
    status = "interrupted" if category is Category.INTERRUPTED else "failed"
    own = Verdict(category=category, summary="the worker's words", evidence=["during stage"], remedy="Its remedy.")
    return msgspec.structs.replace(RECEIPT, status=status, verdict=own, **changes)


DONE = Verdict(category=Category.SUCCEEDED, summary="published")
SUCCESS = msgspec.structs.replace(RECEIPT, status="succeeded", verdict=DONE)
SKIPPED = msgspec.structs.replace(RECEIPT, status="succeeded", verdict=Verdict(category=Category.SKIPPED, summary="same"))
ANOTHERS = msgspec.structs.replace(SUCCESS, attempt=msgspec.structs.replace(SUCCESS.attempt, uid="f" * 32))
INTERRUPTED = receipt(Category.INTERRUPTED)


@given(name=st.sampled_from(NAMES), stopped=st.booleans(), gone=st.booleans())
def test_a_receipt_of_success_is_believed_against_everything(name: str, stopped: bool, gone: bool) -> None:
    status = status_of(name)._replace(stop_requested=stopped, gone=gone)
    assert verdict_on(status, SUCCESS) == DONE
    assert verdict_on(status, SKIPPED) == SKIPPED.verdict
    assert not verdict_on(status, ANOTHERS).succeeded
    assert not verdict_on(status, None).succeeded


@pytest.mark.parametrize(
    ("name", "own", "category"),
    [
        pytest.param("evicted_spill", INTERRUPTED, Category.DISK_FULL, id="interrupted: by an eviction for its disk"),
        pytest.param("bug_evicted_and_still_running", INTERRUPTED, Category.EVICTED, id="interrupted: by node pressure"),
        pytest.param("kubelet_preempted", INTERRUPTED, Category.EVICTED, id="interrupted: by a critical pod"),
        pytest.param("preempted", INTERRUPTED, Category.EVICTED, id="interrupted: by a pod of higher priority"),
        pytest.param("drained", INTERRUPTED, Category.EVICTED, id="interrupted: by a drain"),
        pytest.param("node_shut_down", INTERRUPTED, Category.EVICTED, id="interrupted: by a shutdown"),
        pytest.param("kueue_preempted", INTERRUPTED, Category.EVICTED, id="interrupted: by Kueue"),
        pytest.param("node_unreachable", INTERRUPTED, Category.NODE_LOST, id="interrupted: by the loss of its node"),
        pytest.param("deadline", INTERRUPTED, Category.DEADLINE_EXCEEDED, id="interrupted: by the cluster's deadline"),
        pytest.param("deleted_sigterm", INTERRUPTED, Category.WORKER_LOST, id="interrupted: by whoever deleted the pod"),
        pytest.param("oom_killed_child", INTERRUPTED, Category.OUT_OF_MEMORY, id="interrupted, out of memory as it stopped"),
        pytest.param("drained", receipt(Category.WORKER_LOST), Category.EVICTED, id="killed: by a drain"),
        pytest.param("oom_killed_child", receipt(Category.WORKER_LOST), Category.OUT_OF_MEMORY, id="killed: by the kernel"),
        pytest.param("oom_killed_child", receipt(Category.JOB_CRASHED), Category.OUT_OF_MEMORY, id="crashed: out of memory"),
        pytest.param(
            "oom_killed_child", receipt(Category.JOB_FAILED), Category.OUT_OF_MEMORY, id="raised: for a killed child"
        ),
    ],
)
def test_the_cluster_knows_better_who_ended_a_worker(name: str, own: Receipt, category: Category) -> None:
    verdict = verdict_on(name, own)
    assert verdict.category is category
    assert f"its receipt: {own.verdict.category}: the worker's words" in verdict.evidence
    assert "during stage" in verdict.evidence
    assert "no receipt" not in verdict.evidence


@pytest.mark.parametrize(
    ("name", "own"),
    [
        pytest.param("exit_0", receipt(Category.INPUT_MISSING), id="a failure of the data"),
        pytest.param("running", INTERRUPTED, id="interrupted, and the pod not yet over"),
        pytest.param("drained", receipt(Category.CHECKS_FAILED), id="failed checks, then drained"),
        pytest.param("bug_evicted_and_still_running", receipt(Category.JOB_FAILED), id="raised, then evicted"),
        pytest.param("deadline", receipt(Category.JOB_FAILED), id="raised, then late"),
        pytest.param("oom_killed_child", receipt(Category.CHECKS_FAILED), id="failed checks in spite of a killed child"),
        pytest.param("oom_killed", receipt(Category.OUT_OF_MEMORY), id="its own account of its memory"),
        pytest.param("oom_killed_child", receipt(Category.DEADLINE_EXCEEDED), id="late, out of memory as it stopped"),
        pytest.param("deadline", receipt(Category.DEADLINE_EXCEEDED), id="its own account of its deadline"),
    ],
)
def test_a_workers_own_account_stands_where_the_cluster_knows_nothing_better(name: str, own: Receipt) -> None:
    assert verdict_on(name, own) == own.verdict


@pytest.mark.parametrize(
    ("name", "category"),
    [
        pytest.param("deleted_sigterm", Category.INTERRUPTED, id="it went at SIGTERM"),
        pytest.param("deleted_sigkill", Category.INTERRUPTED, id="it had to be killed"),
        pytest.param("deleted_by_force", Category.INTERRUPTED, id="gone without an end"),
        pytest.param("deleted_while_pending", Category.INTERRUPTED, id="it had not started"),
        pytest.param("drained", Category.INTERRUPTED, id="drained meanwhile"),
        pytest.param("exit_0", Category.INTERRUPTED, id="exit 0"),
        pytest.param("oom_killed", Category.OUT_OF_MEMORY, id="out of memory before that"),
        pytest.param("deadline", Category.DEADLINE_EXCEEDED, id="late before that"),
    ],
)
def test_a_stop_that_was_asked_for_is_no_fault(name: str, category: Category) -> None:
    status = status_of(name)._replace(stop_requested=True)
    assert verdict_on(status).category is category


def test_a_stop_that_was_asked_for_is_told_by_the_receipt() -> None:
    status = status_of("drained")._replace(stop_requested=True)
    assert verdict_on(status, INTERRUPTED) == INTERRUPTED.verdict


def test_the_higher_peak_of_receipt_and_heartbeat_is_told() -> None:
    own = receipt(Category.WORKER_LOST, usage=msgspec.structs.replace(RECEIPT.usage, memory_peak_bytes=99 * 2**20))
    assert verdict_on("oom_killed_child", own).evidence[0] == "last measured peak 99.0 MiB"
