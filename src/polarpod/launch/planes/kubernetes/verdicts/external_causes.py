"""Who else ended the worker: the kernel, the deadline, this launcher's caller, the kubelet, the control plane. Pure.

They know better than the worker, which only saw the signal.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from polarpod.contract.verdict import MORE_MEMORY, Category, Verdict
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.evidence import (
    Evidence,
    has_run,
    heartbeat_peak,
    in_bytes,
    pod_said,
    ran,
    seen,
)
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact, name

# what a worker says, by receipt or exit code, that was ended by somebody else: it cannot know by whom
_ENDED_FROM_OUTSIDE = (Category.INTERRUPTED, Category.WORKER_LOST)
# and what it says when the kernel killed one of its processes and it could not see why
_MAYBE_MEMORY = (*_ENDED_FROM_OUTSIDE, Category.JOB_CRASHED, Category.JOB_FAILED, Category.INTERNAL_ERROR)

# The pod's own limits, so the run's doing; but the kubelet's "low on resource: ephemeral-storage" is the node's trouble.
_OWN_DISK = re.compile(
    r"exceeds the (?:total )?limit|exceeded its local ephemeral storage limit|ephemeral local storage usage"
)
# of a pod that was deleted before this launcher looked at it
DELETED_BEFORE = "its pod was deleted before this launcher looked at it"
EARLIER_LAUNCHER = "by an earlier launcher or trigger of this run, when it was asked to stop, or from outside"

# the kubelet's words for a node that is switched off in good order; older ones said Shutdown
_SHUTDOWN = ("NodeShutdown", "Shutdown", "Terminated")
_LOST_NODE = ("DeletionByTaintManager", "DeletionByPodGC")
_DISRUPTIONS = {
    "PreemptionByScheduler": "a pod of higher priority took its place",
    "EvictionByEvictionAPI": "it was evicted, as when a node is drained",
    "DeletionByTaintManager": "its node was no longer ready or reachable, or was tainted",
    "DeletionByPodGC": "its node is gone",
    "TerminationByKubelet": "its node ran short of something, or was shut down",
}


def _out_of_memory(case: Evidence) -> Verdict | None:
    # Reason OOMKilled is the container's, whatever its exit code: under cgroup v1 the kernel kills one process and the
    # supervisor lives to exit with a code of its own. False positive: a process of the job's that was killed and not
    # missed, in a worker that then failed otherwise; its own account is kept, where it is one of something else.
    end = case.status.terminated
    if not end or end.get("reason") != "OOMKilled" or (case.receipt and case.told not in _MAYBE_MEMORY):
        return None
    known = [peak for peak in (heartbeat_peak(case), case.receipt and case.receipt.usage.memory_peak_bytes) if peak]
    return Verdict(
        category=Category.OUT_OF_MEMORY,
        summary=f"the worker needed more than its {in_bytes(case.memory_limit_bytes)} of memory",
        evidence=[f"last measured peak {in_bytes(max(known)) if known else 'unknown'}", *seen(case)],
        remedy=MORE_MEMORY,
    )


def _deadline(case: Evidence) -> Verdict | None:
    # The supervisor ends the job at the run's deadline and writes a receipt; the pod's is later and for a worker that no
    # longer answers. False positive: a pod that never started, because its deadline counts from when a node took it.
    if case.status.reason != "DeadlineExceeded" or (case.receipt and case.told not in _ENDED_FROM_OUTSIDE):
        return None
    if not has_run(case.status) and not case.receipt:
        return Verdict(
            category=Category.NOT_STARTED,
            summary="the pod's deadline passed before its worker started",
            evidence=[*pod_said(case.status), *_last_failed(case.status), *seen(case)],
            remedy="Set `start_timeout_seconds` of the plane below `deadline_seconds` of @job: it tells what was missing.",
        )
    return Verdict(
        category=Category.DEADLINE_EXCEEDED,
        summary="the run did not end before its deadline",
        evidence=[*pod_said(case.status), *seen(case)],
        remedy="Raise `deadline_seconds` in @job, give it more cpu, or read less in one run.",
    )


def _asked_to_stop(case: Evidence) -> Verdict | None:
    if not case.status.stop_requested:
        return None
    if case.receipt:
        return case.receipt.verdict
    return Verdict(
        category=Category.INTERRUPTED,
        summary="the run was asked to stop, and stopped",
        evidence=seen(case),
        remedy="Run it again; it continues from what is published.",
    )


def _evicted(case: Evidence) -> Verdict | None:
    # Reasons of the pod itself are the kubelet's, set as it ends the containers. False positive: a worker that had failed by
    # itself a moment before; it says so with a code of its own, which was looked at first (_by_somebody_else).
    status = case.status
    if status.reason == "Evicted" and _OWN_DISK.search(status.message):
        return Verdict(
            category=Category.DISK_FULL,
            summary="the worker wrote more to disk than it may, and its pod was evicted",
            evidence=[*pod_said(status), *seen(case)],
            remedy="Raise `spill` in @job (or of the plane), or give it more `memory` so that it spills less.",
        )
    if status.reason == "Evicted":
        return _put_out("its node ran short, and evicted the pod", case)
    if status.reason in ("Preempting", "Preempted"):
        return _put_out("a more important pod took its place on the node", case)
    if status.reason in _SHUTDOWN:
        return _put_out("its node was shut down", case)
    return None


def _node_lost(case: Evidence) -> Verdict | None:
    # ContainerStatusUnknown carries exit code 137 and killed nobody: the kubelet came back and found no container. False
    # positive: an evicted or late pod whose container was gone first; their reasons were looked at before. A pod that is
    # deleted just as its container is made gets the same stand-in for one. Where it is containerd that came back, to a
    # container without a process, it says Unknown with exit code 255.
    status, end = case.status, case.status.terminated or {}
    unknown = end.get("reason") == "ContainerStatusUnknown" and not (status.deleting and not ran(end))
    orphaned = end.get("reason") == "Unknown" and end.get("exitCode") == 255
    if not (unknown or orphaned or status.reason in ("NodeLost", "NodeStatusUnknown") or status.phase == "Unknown"):
        return None
    return _lost(case, "the worker's node was lost, or lost sight of the worker")


def _disrupted(case: Evidence) -> Verdict | None:
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


def _deleted(case: Evidence) -> Verdict | None:
    # A worker that is told to stop writes that it was asked to, and cannot know by whom. Where it was not this launcher that
    # deleted the pod, somebody else did; an earlier launcher of the run, perhaps, where this one came too late to see it.
    status = case.status
    if case.receipt is None or not (status.gone or status.deleting):
        return None
    return Verdict(
        category=Category.WORKER_LOST,
        summary=DELETED_BEFORE if status.found_deleted else "its pod was deleted from outside, while its worker ran",
        evidence=[
            EARLIER_LAUNCHER if status.found_deleted else "this launcher did not delete it",
            f"the worker said: {fact(case.receipt.verdict.summary)}",
            *seen(case),
        ],
        remedy="Run it again: what it published, if anything, is adopted. The cluster's audit log says who deleted the pod.",
    )


def _signalled(case: Evidence) -> Verdict | None:
    # `kill -TERM` in its container, or by its node: nobody deleted the pod. The last rule, because every other reason of the
    # cluster's explains the signal.
    if case.receipt is None or case.told is not Category.INTERRUPTED or not case.status.terminated:
        return None
    return Verdict(
        category=Category.WORKER_LOST,
        summary="the worker was ended from outside, by a signal",
        evidence=[
            "this launcher did not ask it to stop",
            f"the worker said: {fact(case.receipt.verdict.summary)}",
            *seen(case),
        ],
        remedy="Run it again: what it published, if anything, is adopted. Look for who sends signals in the pod: a sidecar, "
        "a debugging session, the node.",
    )


def _by_somebody_else(rule: Callable[[Evidence], Verdict | None]) -> Callable[[Evidence], Verdict | None]:
    """The rule, for a worker that does not itself say something better of its end."""

    def only(case: Evidence) -> Verdict | None:
        return rule(case) if case.told is None or case.told in _ENDED_FROM_OUTSIDE else None

    return only


def _put_out(why: str, case: Evidence, *said: str) -> Verdict:
    return Verdict(
        category=Category.EVICTED,
        summary=f"the worker was put out: {why}",
        evidence=[*pod_said(case.status), *said, *seen(case)],
        remedy="Run it again. Where it comes often, give the plane a `priority_class`, or `node_selector` for calmer nodes.",
    )


def _lost(case: Evidence, summary: str, *said: str) -> Verdict:
    node = ((case.status.pod or {}).get("spec") or {}).get("nodeName")
    return Verdict(
        category=Category.NODE_LOST,
        summary=summary,
        evidence=[*([f"node {name(node)}"] if node else []), *pod_said(case.status), *said, *seen(case)],
        remedy="Run it again. If the worker lives on behind a broken network, it can no longer publish.",
    )


def _last_failed(status: Status) -> list[str]:
    """Why a pod that is over had not started: its containers' statuses no longer tell."""
    failed = [event for event in status.events if (event.get("reason") or "").startswith("Failed")]
    told = [event for event in failed if not (event.get("message") or "Error:").startswith("Error:")]
    return [f"{name(told[-1]['reason'])}: {fact(told[-1]['message'])}"] if told else []


# The order is the argument. Memory first: the kernel's kill explains whatever followed it. Then the deadline, then our own
# request, as for a process: both are why the cluster acted at all. Then the cluster's reasons, the more exact before the
# more general. A receipt that tells of something else stops the list at any of them.
FROM_OUTSIDE: list[Callable[[Evidence], Verdict | None]] = [
    _out_of_memory,
    _deadline,
    _asked_to_stop,
    _by_somebody_else(_evicted),
    _by_somebody_else(_node_lost),
    _by_somebody_else(_disrupted),
    _by_somebody_else(_deleted),
    _signalled,
]
