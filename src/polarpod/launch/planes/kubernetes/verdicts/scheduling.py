"""Why no node has accepted a pod: its queue, the scheduler, the autoscaler -> verdict. Pure."""

from __future__ import annotations

import re

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import WORKER, Status
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact, name, requests

# The scheduler states its reasons twice, by count of nodes: for the nodes as they are, and after preemption.
_NO_NODE = re.compile(r"0/(\d+) nodes are available")
_INSUFFICIENT = re.compile(r"Insufficient ([\w./-]+\w)")
# since Kubernetes 1.34 a node that is too small even when empty is one on which "preemption is not helpful"; a node that
# is only full has "no preemption victims". Before 1.34 both report the latter, and the start timeout decides.
_NOT_HELPFUL = re.compile(r"(\d+) Preemption is not helpful for scheduling")
# nodes that are excluded now and may return: they could be the larger ones
_NODE_AWAY = re.compile(r"node\.kubernetes\.io/|node\(s\) were unschedulable|node\(s\) had untolerated taint\(s\)")
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
# event reasons of cluster-autoscaler, Karpenter and EKS auto mode
NODE_COMING = ("TriggeredScaleUp", "Nominated")
_NO_NODE_COMING = ("NotTriggerScaleUp", "FailedScaleUp", "FailedScheduling")


def in_queue(status: Status) -> bool:
    """Whether a scheduling gate holds the pod back from the scheduler: that of a Kueue queue, for example."""
    return status.conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated"


def is_scheduled(status: Status) -> bool:
    return status.conditions.get("PodScheduled", {}).get("status") == "True" or bool(status.spec.get("nodeName"))


def not_scheduled(status: Status) -> Verdict | None:
    condition = status.conditions.get("PodScheduled", {})
    if condition.get("status") != "False":
        return None
    message = condition.get("message") or ""
    if in_queue(status):
        gates = ", ".join(name(gate.get("name", "?")) for gate in status.spec.get("schedulingGates") or ())
        return Verdict(
            category=Category.UNSCHEDULABLE,
            summary="the pod waits in its queue",
            evidence=[f"scheduling gates: {gates or 'unknown'}", *asked(status)],
            remedy="Nothing to mend: its queue lets it in when there is room. `kubectl get workloads` shows its place.",
        )
    evidence = [f"the scheduler said: {fact(message) or 'nothing yet'}", *asked(status), *_autoscaler(status)]
    if claim := _CLAIM.search(message):
        return Verdict(
            category=Category.CONFIGURATION_MISSING,
            summary=f"persistent volume claim {name(claim[1])} does not exist",
            evidence=evidence,
            remedy="Create it, or take it out of the plane's `template`.",
        )
    if _too_big(status, message):
        short = ", ".join(sorted({name(resource) for resource in _INSUFFICIENT.findall(message)}))
        return Verdict(
            category=Category.RESOURCES_IMPOSSIBLE,
            summary=f"no node of the cluster has this much {short}, not even an empty one",
            evidence=evidence,
            remedy="Ask for less with `memory`, `cpu` or `spill` in @job, or give the cluster bigger nodes.",
        )
    coming = any(event.get("reason") in NODE_COMING for event in status.events)
    return Verdict(
        category=Category.UNSCHEDULABLE,
        summary="a node for the pod is on its way" if coming else "no node can take the pod now",
        evidence=evidence,
        remedy=_scheduling_remedy(message),
    )


def _too_big(status: Status, message: str) -> bool:
    """Whether every node that is not permanently excluded is too small even when empty.

    False where a node may be added or return: an autoscaler's node may be larger than any present one, and a cordoned node
    may be large enough. The remaining false positive is a node that is about to be added manually, hence the wait before
    this counts (start_timeout.py).
    """
    before, preempting, after = message.partition("preemption:")
    nodes = _NO_NODE.search(before)
    if not preempting or nodes is None or not _INSUFFICIENT.search(before) or _NODE_AWAY.search(before):
        return False
    if any(event.get("reason") in NODE_COMING for event in status.events):
        return False
    hopeless = sum(int(count) for count in _NOT_HELPFUL.findall(after[:1000]) if len(count) < 9)
    return int(nodes[1][:9]) > 0 and hopeless == int(nodes[1][:9])


def _scheduling_remedy(message: str) -> str:
    if "Insufficient" in message or "Too many pods" in message:
        return "Wait for room, ask for less with `memory` or `cpu` in @job (`cpu_request` of the plane), or add nodes."
    if "affinity/selector" in message:
        return "Check `node_selector` of the plane: no node that could take the pod has these labels."
    if "untolerated taint" in message:
        return "Check `tolerations` of the plane: the nodes that are left have taints the pod does not tolerate."
    return "The scheduler's words above say what it waits for; `start_timeout_seconds` of the plane says how long."


def asked(status: Status) -> list[str]:
    asked = requests(status.pod, WORKER)
    return [f"the worker asks for {asked}"] if asked else []


def _autoscaler(status: Status) -> list[str]:
    """The autoscaler's last event. Karpenter's FailedScheduling differs from the scheduler's only in its message."""
    said = [
        event
        for event in status.events
        if event.get("reason") in (*NODE_COMING, *_NO_NODE_COMING)
        and "nodes are available" not in (event.get("message") or "")
    ]
    return [f"the autoscaler said: {fact(said[-1].get('message') or said[-1]['reason'])}"] if said else []
