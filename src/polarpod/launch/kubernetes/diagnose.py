"""What became of an attempt in a pod: the API server's words and the receipt -> verdict. Pure.

The twin of polarpod.launch.judge, with more witnesses: the worker (its receipt, its exit code, its last heartbeat), the
kubelet (why it ended the container), the control plane (why it ended the pod). Success has one witness, the receipt. For a
failure, whoever ended the worker knows better than the worker, which only saw the signal.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import NamedTuple

from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import Category, Verdict, exit_code_of
from polarpod.launch.kubernetes.facts import fact, moment, name, sound
from polarpod.launch.kubernetes.refusal import refused
from polarpod.launch.kubernetes.status import Json, Status
from polarpod.launch.kubernetes.waiting import init_has_failed, start_error, why_not_started
from polarpod.launch.worker import message_of

_CATEGORY_OF_CODE = {exit_code_of(category): category for category in Category if exit_code_of(category)}

# what a worker says, by receipt or exit code, that was ended by somebody else: it cannot know by whom
_ENDED_FROM_OUTSIDE = (Category.INTERRUPTED, Category.WORKER_LOST)
# and what it says when the kernel killed one of its processes and it could not see why
_MAYBE_MEMORY = (*_ENDED_FROM_OUTSIDE, Category.JOB_CRASHED, Category.JOB_FAILED, Category.INTERNAL_ERROR)

# The pod's own limits, so the run's doing; but the kubelet's "low on resource: ephemeral-storage" is the node's trouble.
_OWN_DISK = re.compile(
    r"exceeds the (?:total )?limit|exceeded its local ephemeral storage limit|ephemeral local storage usage"
)
# the kubelet's words for a node that is switched off in good order; older ones said Shutdown
_SHUTDOWN = ("NodeShutdown", "Shutdown", "Terminated")
# the kubelet's refusals of a pod that the scheduler had given it
_NOT_ADMITTED = re.compile(
    r"OutOf\w[\w.-]*|UnexpectedAdmissionError|Node(?:Affinity|Ports|UnschedulableTaints)|\w+AffinityError"
)
_LOST_NODE = ("DeletionByTaintManager", "DeletionByPodGC")
_DISRUPTIONS = {
    "PreemptionByScheduler": "a pod of higher priority took its place",
    "EvictionByEvictionAPI": "it was evicted, as when a node is drained",
    "DeletionByTaintManager": "its node was no longer ready or reachable, or was tainted",
    "DeletionByPodGC": "its node is gone",
    "TerminationByKubelet": "its node ran short of something, or was shut down",
}
# as for the process plane: above it a kill without a reason is worth a second look
_NEAR_LIMIT = 0.9
_LONGEST_ACCOUNT = 200


class _Case(NamedTuple):
    """All that is known of one attempt.

    Attributes:
        receipt: its own one, if it failed; a success is not a case.
        message: its own last one.
        told: what the worker says of its end, by its receipt or else by its exit code; None where it says nothing.
    """

    status: Status
    receipt: Receipt | None
    message: Message | None
    told: Category | None
    memory_limit_bytes: int


def diagnose(status: Status, receipt: Receipt | None, *, uid: str, memory_limit_bytes: int) -> Verdict:
    """The verdict on one attempt.

    A committed receipt of this very attempt is the only proof of success, and it is enough: whatever the cluster did to the
    pod afterwards, the rows are published. Without one nothing is a success, whatever the phase. A receipt that only tells
    of being ended gets its reason from the cluster; any other account of the worker's own stands.
    """
    own = receipt if receipt is not None and receipt.attempt.uid == uid else None
    if own and own.verdict.succeeded:
        return own.verdict
    case = _case(sound(status), own, uid, memory_limit_bytes)
    for rule in _FROM_OUTSIDE:
        if verdict := rule(case):
            return verdict
    if own:
        return own.verdict
    for rule in _WITHOUT_RECEIPT:
        if verdict := rule(case):
            return verdict
    return _unknown(case)


def _case(status: Status, receipt: Receipt | None, uid: str, memory_limit_bytes: int) -> _Case:
    end = status.terminated
    message = _message(str((end or {}).get("message") or ""), uid)
    if receipt:
        told: Category | None = receipt.verdict.category
    else:
        told = _CATEGORY_OF_CODE.get(end.get("exitCode", -1)) if end and _ran(end) else None
    return _Case(status, receipt, message, told, memory_limit_bytes)


def _message(text: str, uid: str) -> Message | None:
    try:
        return message_of(text.encode(errors="replace"), uid)
    except RecursionError:  # the file is the job's to write as well, and may hold a thousand brackets
        return None


def _out_of_memory(case: _Case) -> Verdict | None:
    # Reason OOMKilled is the container's, whatever its exit code: under cgroup v1 the kernel kills one process and the
    # supervisor lives to exit with a code of its own. False positive: a process of the job's that was killed and not
    # missed, in a worker that then failed otherwise; its own account is kept, where it is one of something else.
    end = case.status.terminated
    if not end or end.get("reason") != "OOMKilled" or (case.receipt and case.told not in _MAYBE_MEMORY):
        return None
    known = [peak for peak in (_heartbeat_peak(case), case.receipt and case.receipt.usage.memory_peak_bytes) if peak]
    return Verdict(
        category=Category.OUT_OF_MEMORY,
        summary=f"the worker needed more than its {_bytes(case.memory_limit_bytes)} of memory",
        evidence=[f"last measured peak {_bytes(max(known)) if known else 'unknown'}", *_seen(case)],
        remedy="The next attempt gets more by itself; to start there, raise `memory` in @job.",
    )


def _deadline(case: _Case) -> Verdict | None:
    # The supervisor ends the job at the run's deadline and writes a receipt; the pod's is later and for a worker that no
    # longer answers. False positive: a pod that never started, because its deadline counts from when a node took it.
    if case.status.reason != "DeadlineExceeded" or (case.receipt and case.told not in _ENDED_FROM_OUTSIDE):
        return None
    if not _has_run(case.status) and not case.receipt:
        return Verdict(
            category=Category.NOT_STARTED,
            summary="the pod's deadline passed before its worker started",
            evidence=[*_pod_said(case.status), *_last_failed(case.status), *_seen(case)],
            remedy="Set `start_timeout_seconds` of the plane below `deadline_seconds` of @job: it tells what was missing.",
        )
    return Verdict(
        category=Category.DEADLINE_EXCEEDED,
        summary="the run did not end before its deadline",
        evidence=[*_pod_said(case.status), *_seen(case)],
        remedy="Raise `deadline_seconds` in @job, give it more cpu, or read less in one run.",
    )


def _asked_to_stop(case: _Case) -> Verdict | None:
    if not case.status.stop_requested:
        return None
    if case.receipt:
        return case.receipt.verdict
    return Verdict(
        category=Category.INTERRUPTED,
        summary="the run was asked to stop, and stopped",
        evidence=_seen(case),
        remedy="Run it again; it continues from what is published.",
    )


def _evicted(case: _Case) -> Verdict | None:
    # Reasons of the pod itself are the kubelet's, set as it ends the containers. False positive: a worker that had failed by
    # itself a moment before; it says so with a code of its own, which was looked at first (_by_somebody_else).
    status = case.status
    if status.reason == "Evicted" and _OWN_DISK.search(status.message):
        return Verdict(
            category=Category.DISK_FULL,
            summary="the worker wrote more to disk than it may, and its pod was evicted",
            evidence=[*_pod_said(status), *_seen(case)],
            remedy="Raise `spill` in @job (or of the plane), or give it more `memory` so that it spills less.",
        )
    if status.reason == "Evicted":
        return _put_out("its node ran short, and evicted the pod", case)
    if status.reason in ("Preempting", "Preempted"):
        return _put_out("a more important pod took its place on the node", case)
    if status.reason in _SHUTDOWN:
        return _put_out("its node was shut down", case)
    return None


def _node_lost(case: _Case) -> Verdict | None:
    # ContainerStatusUnknown carries exit code 137 and killed nobody: the kubelet came back and found no container. False
    # positive: an evicted or late pod whose container was gone first; their reasons were looked at before. A pod that is
    # deleted just as its container is made gets the same stand-in for one. Where it is containerd that came back, to a
    # container without a process, it says Unknown with exit code 255.
    status, end = case.status, case.status.terminated or {}
    unknown = end.get("reason") == "ContainerStatusUnknown" and not (status.deleting and not _ran(end))
    orphaned = end.get("reason") == "Unknown" and end.get("exitCode") == 255
    if not (unknown or orphaned or status.reason in ("NodeLost", "NodeStatusUnknown") or status.phase == "Unknown"):
        return None
    return _lost(case, "the worker's node was lost, or lost sight of the worker")


def _disrupted(case: _Case) -> Verdict | None:
    # Whoever ends a pod says so in this condition before doing it. False positive: one that was put there and not carried
    # out; the control plane takes it back after two minutes, and a worker that went on has an account of its own.
    for kind in ("DisruptionTarget", "TerminationTarget"):  # the second is Kueue's
        condition = case.status.conditions.get(kind, {})
        if condition.get("status") != "True":
            continue
        reason, message = condition.get("reason") or "", condition.get("message") or ""
        said = f"{kind}: {name(reason or 'no reason')}: {fact(message or 'no message')}"
        if reason in _LOST_NODE:
            return _lost(case, f"the pod was deleted because {_DISRUPTIONS[reason]}", said)
        return _put_out(_DISRUPTIONS.get(reason, "the cluster wanted its place"), case, said)
    return None


def _by_somebody_else(rule: Callable[[_Case], Verdict | None]) -> Callable[[_Case], Verdict | None]:
    """The rule, for a worker that does not itself say something better of its end."""

    def only(case: _Case) -> Verdict | None:
        return rule(case) if case.told is None or case.told in _ENDED_FROM_OUTSIDE else None

    return only


def _refused(case: _Case) -> Verdict | None:
    return refused(case.status.refusal) if case.status.refusal else None


def _not_admitted(case: _Case) -> Verdict | None:
    if not _NOT_ADMITTED.fullmatch(case.status.reason):
        return None
    return Verdict(
        category=Category.UNSCHEDULABLE,
        summary=f"the node did not take the pod after all ({name(case.status.reason)})",
        evidence=[*_pod_said(case.status), "no receipt"],
        remedy="Nothing ran: run it again. Room was counted twice, or the node had just changed.",
    )


def _init_failed(case: _Case) -> Verdict | None:
    return why_not_started(case.status) if init_has_failed(case.status) and not _has_run(case.status) else None


def _ended(case: _Case) -> Verdict | None:
    """By the exit code, as for a process."""
    end = case.status.terminated
    if not end:
        return None
    if failed := start_error(end):
        return failed
    code = end.get("exitCode")
    # one that could not write its receipt says so by naming no place of it
    claims = case.message is not None and case.message.receipt_uri != ""
    if code == 0:
        return Verdict(
            category=Category.RECEIPT_MISSING,
            summary="the worker ended well but left no receipt",
            evidence=_seen(case),
            remedy="Run it again: what it published is adopted. Check that worker and launcher use one state store.",
        )
    if code is None or code > 128 or end.get("signal"):
        return _killed(case, end)
    category = _CATEGORY_OF_CODE.get(code, Category.WORKER_LOST)
    rest = "and its receipt is not where the launcher looks" if claims else "before it could write a receipt"
    return Verdict(
        category=category,
        summary=f"the worker ended with exit code {code} ({category}) {rest}",
        evidence=_seen(case),
        remedy="Check that worker and launcher use one state store." if claims else "Its log says more.",
    )


def _killed(case: _Case, end: Json) -> Verdict:
    # 137 alone is SIGKILL, not a lack of memory: the kubelet says OOMKilled where it is, and a guess would be paid for with
    # ever bigger pods. False negative: a runtime that misses the kernel's notice; the peak in the evidence gives it away.
    deleted = case.status.gone or case.status.deleting
    near = not deleted and _heartbeat_peak(case) >= case.memory_limit_bytes * _NEAR_LIMIT
    how = "its pod was deleted from outside" if deleted else f"the worker was killed from outside ({_signal_of(end)})"
    return Verdict(
        category=Category.WORKER_LOST,
        summary=how,
        evidence=[*(["the kubelet does not say OOMKilled"] if near else []), *_seen(case)],
        remedy="Its last peak was close to the limit: if it comes again, raise `memory` in @job."
        if near
        else "Nothing was published by this attempt, or the next one will find it: run it again.",
    )


def _deleted(case: _Case) -> Verdict | None:
    status = case.status
    if not (status.gone or status.deleting):
        return None
    if status.pod is None:
        # never made, deleted by whoever, or taken away by a launcher that then could not write what it had seen
        return Verdict(
            category=Category.WORKER_LOST,
            summary="it has no pod, and nobody has told how it ended",
            evidence=_seen(case),
            remedy="Run it again: what it published, if anything, is adopted. Its launcher died, or did not reach the state "
            "store: see the launcher's log.",
        )
    when = "while its worker ran" if _has_run(status) else "before its worker started"
    return Verdict(
        category=Category.WORKER_LOST,
        summary=f"its pod was deleted from outside, {when}",
        evidence=[f"last seen: phase {name(status.phase or 'none')}", *_seen(case)],
        remedy="Run it again: what it published, if anything, is adopted. The cluster's audit log says who deleted the pod.",
    )


def _not_started(case: _Case) -> Verdict | None:
    started = case.status.started or case.status.phase not in ("", "Pending")
    return None if started or case.status.pod is None else why_not_started(case.status)


def _unknown(case: _Case) -> Verdict:
    """No rule knows it. The phase alone proves nothing, least of all success."""
    phase = name(case.status.phase or "none")
    if case.status.phase == "Succeeded":
        return Verdict(
            category=Category.RECEIPT_MISSING,
            summary="the pod succeeded but its worker left no receipt",
            evidence=[f"phase {phase}", *_seen(case)],
            remedy="Run it again: what it published is adopted. Check that worker and launcher use one state store.",
        )
    return Verdict(
        category=Category.WORKER_LOST,
        summary="nothing tells how the worker ended",
        evidence=[f"phase {phase}", *_pod_said(case.status), *_seen(case)],
        remedy="Nothing was published by this attempt, or the next one will find it: run it again.",
    )


def _put_out(why: str, case: _Case, *said: str) -> Verdict:
    return Verdict(
        category=Category.EVICTED,
        summary=f"the worker was put out: {why}",
        evidence=[*_pod_said(case.status), *said, *_seen(case)],
        remedy="Run it again. Where it comes often, give the plane a `priority_class`, or `node_selector` for calmer nodes.",
    )


def _lost(case: _Case, summary: str, *said: str) -> Verdict:
    node = ((case.status.pod or {}).get("spec") or {}).get("nodeName")
    return Verdict(
        category=Category.NODE_LOST,
        summary=summary,
        evidence=[*([f"node {name(node)}"] if node else []), *_pod_said(case.status), *said, *_seen(case)],
        remedy="Run it again. If the worker lives on behind a broken network, it can no longer publish.",
    )


def _ran(end: Json) -> bool:
    """Whether a container that has ended was ever a process: the kubelet's stand-ins for one have no start, or 1970."""
    began = moment(end.get("startedAt"))
    return began is not None and began.year > 1970


def _has_run(status: Status) -> bool:
    return _ran(status.terminated) if status.terminated else status.started


def _seen(case: _Case) -> list[str]:
    """What the worker itself left: its end, its receipt's account or the lack of one, its last heartbeat."""
    seen = []
    if end := case.status.terminated:
        code = end.get("exitCode")
        by_signal = f" ({_signal_of(end)})" if code is None or code > 128 else ""
        seen.append(
            f"exit code {code if code is not None else 'unknown'}{by_signal}, reason {name(end.get('reason') or 'none')}"
        )
    if case.receipt:
        own = case.receipt.verdict
        seen += [f"its receipt: {own.category}: {fact(own.summary, _LONGEST_ACCOUNT)}", *own.evidence]
    else:
        seen.append("no receipt")
    if message := case.message:
        last = "last heartbeat" if message.kind == "heartbeat" else "its last message"
        seen.append(
            f"{last}: {name(message.phase)}, {message.rows:,} rows, {message.elapsed_seconds:g} s, "
            f"peak {_bytes(message.memory_peak_bytes)}"
        )
        if message.receipt_uri and not case.receipt:
            seen.append(f"it says its receipt is {fact(message.receipt_uri)}")
    return seen


def _pod_said(status: Status) -> list[str]:
    said = ": ".join(part for part in (name(status.reason), fact(status.message)) if part)
    return [f"the pod's status: {said}"] if said else []


def _last_failed(status: Status) -> list[str]:
    """Why a pod that is over had not started: its containers' statuses no longer tell."""
    failed = [event for event in status.events if (event.get("reason") or "").startswith("Failed")]
    told = [event for event in failed if not (event.get("message") or "Error:").startswith("Error:")]
    return [f"{name(told[-1]['reason'])}: {fact(told[-1]['message'])}"] if told else []


def _heartbeat_peak(case: _Case) -> int:
    return max(case.message.memory_peak_bytes, 0) if case.message else 0


def _bytes(count: int) -> str:
    # a heartbeat is bytes that a job can write as well, and no float holds a number of a thousand digits
    return format_bytes(min(max(count, 0), 2**60))


def _signal_of(end: Json) -> str:
    number = end.get("signal") or (end.get("exitCode") or 128) - 128
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have numbers only, and 0 is none
        return f"signal {number}" if number else "signal unknown"


# The order is the argument. Memory first: the kernel's kill explains whatever followed it. Then the deadline, then our own
# request, as for a process: both are why the cluster acted at all. Then the cluster's reasons, the more exact before the
# more general. A receipt that tells of something else stops the list at any of them.
_FROM_OUTSIDE: list[Callable[[_Case], Verdict | None]] = [
    _out_of_memory,
    _deadline,
    _asked_to_stop,
    _by_somebody_else(_evicted),
    _by_somebody_else(_node_lost),
    _by_somebody_else(_disrupted),
]
_WITHOUT_RECEIPT: list[Callable[[_Case], Verdict | None]] = [
    _refused,
    _not_admitted,
    _init_failed,
    _ended,
    _deleted,
    _not_started,
]
