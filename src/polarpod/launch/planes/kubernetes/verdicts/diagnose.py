"""The verdict on an attempt in a pod, from the API server's objects and the receipt. Pure.

Like diagnose.py of the process plane, with more evidence: the worker (its receipt, its exit code, its last heartbeat),
the kubelet (why it ended the container), the control plane (why it ended the pod). Only the receipt proves a success. For a
failure, the component that ended the worker has the reason; the worker only received the signal.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category, Verdict, exit_code_of
from polarpod.launch.planes.kubernetes.status import Json, Status
from polarpod.launch.planes.kubernetes.verdicts.evidence import (
    Evidence,
    has_run,
    heartbeat_peak,
    pod_said,
    ran,
    seen,
    signal_of,
)
from polarpod.launch.planes.kubernetes.verdicts.external_causes import DELETED_BEFORE, EARLIER_LAUNCHER, FROM_OUTSIDE
from polarpod.launch.planes.kubernetes.verdicts.init_containers import init_has_failed, init_was_killed
from polarpod.launch.planes.kubernetes.verdicts.pending import why_not_started
from polarpod.launch.planes.kubernetes.verdicts.refusals import refused
from polarpod.launch.planes.kubernetes.verdicts.sanitize import name, sound
from polarpod.launch.planes.kubernetes.verdicts.start_errors import start_error, start_error_is_explained
from polarpod.launch.worker import message_of

_CATEGORY_OF_CODE = {exit_code_of(category): category for category in Category if exit_code_of(category)}

# the kubelet's rejections of a pod that the scheduler had assigned to it
_NOT_ADMITTED = re.compile(
    r"OutOf\w[\w.-]*|UnexpectedAdmissionError|Node(?:Affinity|Ports|UnschedulableTaints)|\w+AffinityError"
)
# as for the process plane: above this fraction of the limit, a kill without a reason may be due to memory
_NEAR_LIMIT = 0.9


def diagnose(status: Status, receipt: Receipt | None, *, uid: str, memory_limit_bytes: int) -> Verdict:
    """The verdict on one attempt.

    A committed receipt of this very attempt is the only proof of success, and it is enough: whatever the cluster did to the
    pod afterwards, the rows are published. Without one no phase is a success. A receipt that reports only an end from
    outside gets its reason from the cluster; any other receipt stands.
    """
    own = receipt if receipt is not None and receipt.attempt.uid == uid else None
    if own and own.verdict.succeeded:
        return own.verdict
    case = _case(sound(status), own, uid, memory_limit_bytes)
    for rule in FROM_OUTSIDE:
        if verdict := rule(case):
            return verdict
    if own:
        return own.verdict
    for rule in _WITHOUT_RECEIPT:
        if verdict := rule(case):
            return verdict
    return _unknown(case)


def _case(status: Status, receipt: Receipt | None, uid: str, memory_limit_bytes: int) -> Evidence:
    end = status.terminated
    message = _message(str((end or {}).get("message") or ""), uid)
    if receipt:
        told: Category | None = receipt.verdict.category
    else:
        told = _CATEGORY_OF_CODE.get(end.get("exitCode", -1)) if end and ran(end) else None
    return Evidence(status, receipt, message, told, memory_limit_bytes)


def _message(text: str, uid: str) -> Message | None:
    try:
        return message_of(text.encode(errors="replace"), uid)
    except RecursionError:  # the job can write the file as well, with a thousand nested brackets
        return None


def _refused(case: Evidence) -> Verdict | None:
    return refused(case.status.refusal) if case.status.refusal else None


def _not_admitted(case: Evidence) -> Verdict | None:
    if not _NOT_ADMITTED.fullmatch(case.status.reason):
        return None
    return Verdict(
        category=Category.UNSCHEDULABLE,
        summary=f"the node did not take the pod after all ({name(case.status.reason)})",
        evidence=[*pod_said(case.status), "no receipt"],
        remedy="Nothing ran: run it again. Room was counted twice, or the node had just changed.",
    )


def _init_failed(case: Evidence) -> Verdict | None:
    # False positive: a container that was killed, or got a placeholder status, because its pod was deleted meanwhile
    if case.status.deleting and init_was_killed(case.status):
        return None
    return why_not_started(case.status) if init_has_failed(case.status) and not has_run(case.status) else None


def _ended(case: Evidence) -> Verdict | None:
    """The verdict from the exit code, as for a process."""
    end = case.status.terminated
    if not end:
        return None
    if failed := start_error(end):
        # a runtime that deletes a container while it starts it fails at one or the other
        return (None if start_error_is_explained(end) else _deleted(case)) or failed
    code = end.get("exitCode")
    # the last message of a worker that could not write its receipt has no URI of one
    claims = case.message is not None and case.message.receipt_uri != ""
    if code == 0:
        return Verdict(
            category=Category.RECEIPT_MISSING,
            summary="the worker ended well but left no receipt",
            evidence=seen(case),
            remedy="Run it again: what it published is adopted. Check that worker and launcher use one state store.",
        )
    if code is None or code > 128 or end.get("signal"):
        return _killed(case, end)
    category = _CATEGORY_OF_CODE.get(code, Category.WORKER_LOST)
    rest = "and its receipt is not where the launcher looks" if claims else "before it could write a receipt"
    return Verdict(
        category=category,
        summary=f"the worker ended with exit code {code} ({category}) {rest}",
        evidence=seen(case),
        remedy="Check that worker and launcher use one state store." if claims else "Its log says more.",
    )


def _killed(case: Evidence, end: Json) -> Verdict:
    # 137 alone is SIGKILL, not a lack of memory: the kubelet reports OOMKilled for that, and a wrong guess would cost ever
    # larger pods. False negative: a runtime that misses the kernel's notice; the peak in the evidence indicates it.
    deleted = case.status.gone or case.status.deleting
    near = not deleted and heartbeat_peak(case) >= case.memory_limit_bytes * _NEAR_LIMIT
    how = "its pod was deleted from outside" if deleted else f"the worker was killed from outside ({signal_of(end)})"
    before = deleted and case.status.found_deleted
    return Verdict(
        category=Category.WORKER_LOST,
        summary=DELETED_BEFORE if before else how,
        evidence=[
            *([EARLIER_LAUNCHER] if before else []),
            *(["the kubelet does not say OOMKilled"] if near else []),
            *seen(case),
        ],
        remedy="Its last peak was close to the limit: if it comes again, raise `memory` in @job."
        if near
        else "Nothing was published by this attempt, or the next one will find it: run it again.",
    )


def _deleted(case: Evidence) -> Verdict | None:
    status = case.status
    if not (status.gone or status.deleting):
        return None
    if status.pod is None:
        # never created, deleted by another client, or deleted by a launcher that then failed to write its record
        return Verdict(
            category=Category.WORKER_LOST,
            summary="it has no pod, and nobody has told how it ended",
            evidence=seen(case),
            remedy="Run it again: what it published, if anything, is adopted. Its launcher died, or did not reach the state "
            "store: see the launcher's log.",
        )
    when = "while its worker ran" if has_run(status) else "before its worker started"
    before = status.found_deleted
    return Verdict(
        category=Category.WORKER_LOST,
        summary=DELETED_BEFORE if before else f"its pod was deleted from outside, {when}",
        evidence=[*([EARLIER_LAUNCHER] if before else []), f"last seen: phase {name(status.phase or 'none')}", *seen(case)],
        remedy="Run it again: what it published, if anything, is adopted. The cluster's audit log says who deleted the pod.",
    )


def _not_started(case: Evidence) -> Verdict | None:
    started = case.status.started or case.status.phase not in ("", "Pending")
    return None if started or case.status.pod is None else why_not_started(case.status)


def _unknown(case: Evidence) -> Verdict:
    """The verdict where no rule matches. The phase alone proves nothing, least of all success."""
    phase = name(case.status.phase or "none")
    if case.status.phase == "Succeeded":
        return Verdict(
            category=Category.RECEIPT_MISSING,
            summary="the pod succeeded but its worker left no receipt",
            evidence=[f"phase {phase}", *seen(case)],
            remedy="Run it again: what it published is adopted. Check that worker and launcher use one state store.",
        )
    return Verdict(
        category=Category.WORKER_LOST,
        summary="nothing tells how the worker ended",
        evidence=[f"phase {phase}", *pod_said(case.status), *seen(case)],
        remedy="Nothing was published by this attempt, or the next one will find it: run it again.",
    )


_WITHOUT_RECEIPT: list[Callable[[Evidence], Verdict | None]] = [
    _refused,
    _not_admitted,
    _init_failed,
    _ended,
    _deleted,
    _not_started,
]
