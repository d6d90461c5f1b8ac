"""External causes of a worker's end: the kernel, the deadline, this launcher's caller, the kubelet, the control plane. Pure.

These components have the reason; the worker itself only received the signal.
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

# the categories that a worker reports, by receipt or exit code, when it was ended from outside: it cannot know the cause
_ENDED_FROM_OUTSIDE = (Category.INTERRUPTED, Category.WORKER_LOST)
# plus the categories it reports when the kernel killed one of its processes for a reason it could not see
_MAYBE_MEMORY = (*_ENDED_FROM_OUTSIDE, Category.JOB_CRASHED, Category.JOB_FAILED, Category.INTERNAL_ERROR)

# The pod's own limits, so caused by the run; the kubelet's "low on resource: ephemeral-storage" is the node's shortage.
_OWN_DISK = re.compile(
    r"exceeds the (?:total )?limit|exceeded its local ephemeral storage limit|ephemeral local storage usage"
)
# summary for a pod that was deleted before this launcher first read it
DELETED_BEFORE = "its pod was deleted before this launcher looked at it"
EARLIER_LAUNCHER = "by an earlier launcher or trigger of this run, when it was asked to stop, or from outside"

# the kubelet's reasons for a graceful node shutdown; older kubelets set Shutdown
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
    # Reason OOMKilled belongs to the container, whatever its exit code: under cgroup v1 the kernel kills one process and
    # the supervisor survives to exit with a code of its own. False positive: a process of the job is killed without effect,
    # and the worker later fails for another reason; a receipt with such a category takes precedence.
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
    # The supervisor ends the job at the run's deadline and writes a receipt; the pod's deadline is later and covers a worker
    # that no longer responds. False positive: a pod that never started, as its deadline counts from when a node accepted it.
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
    # The kubelet sets the pod's own reasons as it ends the containers. False positive: a worker that failed by itself a
    # moment before; its own exit code reports that, and is checked first (_by_somebody_else).
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
    # ContainerStatusUnknown carries exit code 137 without a kill: the kubelet came back and found no container. False
    # positive: an evicted or overdue pod whose container was gone first; earlier rules match those reasons. A pod that is
    # deleted while its container is created gets the same placeholder status. A restarted containerd that finds a container
    # without a process reports Unknown with exit code 255.
    status, end = case.status, case.status.terminated or {}
    unknown = end.get("reason") == "ContainerStatusUnknown" and not (status.deleting and not ran(end))
    orphaned = end.get("reason") == "Unknown" and end.get("exitCode") == 255
    if not (unknown or orphaned or status.reason in ("NodeLost", "NodeStatusUnknown") or status.phase == "Unknown"):
        return None
    return _lost(case, "the worker's node was lost, or lost sight of the worker")


def _disrupted(case: Evidence) -> Verdict | None:
    # The component that ends a pod sets this condition first. False positive: a disruption that was announced and cancelled;
    # the control plane resets it after two minutes, and a worker that continued has its own receipt or exit code.
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
    # A worker that receives SIGTERM reports an interrupt, and cannot know the sender. A pod that this launcher did not
    # delete was deleted by another client, such as an earlier launcher of the run if the deletion preceded the first read.
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
    # `kill -TERM` in the container or from the node, without a deletion of the pod. The last rule, because every other
    # reason from the cluster explains the signal.
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
    """The rule, applied only where the worker itself reports no more specific cause of its end."""

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
    """The reason that a finished pod never started, from its events: its container statuses no longer contain it."""
    failed = [event for event in status.events if (event.get("reason") or "").startswith("Failed")]
    told = [event for event in failed if not (event.get("message") or "Error:").startswith("Error:")]
    return [f"{name(told[-1]['reason'])}: {fact(told[-1]['message'])}"] if told else []


# The order is significant. Memory first: a kill by the kernel explains every later event. Then the deadline, then the
# launcher's own stop request, as for a process: both are why the cluster acted at all. Then the cluster's reasons, specific
# before general. A receipt that reports another cause takes precedence over each of them.
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
