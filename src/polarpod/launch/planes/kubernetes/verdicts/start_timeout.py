"""The time limits on a pod's start. Pure.

A wait for a start that cannot happen wastes a task's slot for minutes and hides the reason; giving up on one that would have
happened causes a false failure. So each reason to wait has its own limit.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import Json, Status
from polarpod.launch.planes.kubernetes.verdicts.images import IMAGE_NAME_INVALID, IMAGE_NEVER_PULLED, pull_is_explained
from polarpod.launch.planes.kubernetes.verdicts.init_containers import init_has_failed
from polarpod.launch.planes.kubernetes.verdicts.pending import why_not_started
from polarpod.launch.planes.kubernetes.verdicts.sanitize import moment, sound
from polarpod.launch.planes.kubernetes.verdicts.scheduling import NODE_COMING, in_queue, is_scheduled
from polarpod.launch.planes.kubernetes.verdicts.waiting import waiting_reasons

# a Secret may be created seconds later: by the same `apply` of a folder of manifests, or by a sync from a vault
CONFIGURATION_GRACE_SECONDS = 30
# a tag may be pushed and a pull secret renewed while the pod is created; the kubelet retries after 10 and 30 s
IMAGE_GRACE_SECONDS = 30
# cluster-autoscaler checks pending pods every 10 s and Karpenter batches them for up to 10 s; only then does their event
# announce a larger node
IMPOSSIBLE_GRACE_SECONDS = 20
# most pods start within 3 s; a list of events is a request, and one of the more expensive ones
EVENTS_AFTER_SECONDS = 5
# a kubelet that is restarted is back within a minute, and then ends overdue pods
ABANDONED_SECONDS = 120

# results of the kubelet's checks before its first try: waiting does not change them
_HOPELESS = {IMAGE_NAME_INVALID, IMAGE_NEVER_PULLED}


class _Patience(NamedTuple):
    """How many seconds a reason may last; `bound` where they count only from the moment the pod has a node."""

    seconds: int
    bound: bool


_PATIENCE = {
    Category.CONFIGURATION_MISSING: _Patience(CONFIGURATION_GRACE_SECONDS, bound=True),
    Category.IMAGE_UNUSABLE: _Patience(IMAGE_GRACE_SECONDS, bound=True),
    Category.OUT_OF_MEMORY: _Patience(0, bound=True),
    Category.RESOURCES_IMPOSSIBLE: _Patience(IMPOSSIBLE_GRACE_SECONDS, bound=False),
}


def patience(status: Status, *, start_timeout_seconds: int, queued_seconds: float = 0.0) -> Verdict | None:
    """None to keep waiting for the pod's start, else the verdict that ends the wait.

    Time in a queue does not count. The clock restarts when an autoscaler first announces a node, and when the pod gets one:
    a new node has no image cached, and a pod that was queued under another launcher is not late.

    Args:
        queued_seconds: seconds of the pod's age that it spent in a queue or before the caller's first look (`StartClock`):
            a pod does not record when it left a queue.
    """
    status = sound(status)
    if status.started or status.over or status.deleting or in_queue(status):
        return None
    since_bound = _seconds_since(status, status.conditions.get("PodScheduled", {}).get("lastTransitionTime"))
    unbound = max(0.0, status.seconds - max(0.0, queued_seconds))
    waited = since_bound if is_scheduled(status) else unbound
    verdict = why_not_started(status)
    if init_has_failed(status) or waiting_reasons(status) & _HOPELESS:
        return verdict
    allowed = _PATIENCE.get(verdict.category)
    if allowed and waited >= min(allowed.seconds, start_timeout_seconds):
        return verdict
    if not is_scheduled(status):
        waited = min([waited, *(_seconds_since(status, _time_of(event)) for event in _first_node_coming(status))])
    if waited < start_timeout_seconds:
        return None
    given = f"waited {waited:.0f} s, with `start_timeout_seconds` at {start_timeout_seconds}"
    return msgspec.structs.replace(verdict, evidence=[given, *verdict.evidence])


def is_abandoned(status: Status) -> bool:
    """Whether a pod is long overdue: its node, which would end it, does not answer, and no controller deletes it."""
    if status.pod is None or status.over:
        return False
    spec, about = status.pod.get("spec") or {}, status.pod.get("status") or {}
    # the deletion timestamp is the end of the grace period
    deleted, began = (status.pod.get("metadata") or {}).get("deletionTimestamp"), about.get("startTime")
    if deleted and _seconds_since(status, deleted) > ABANDONED_SECONDS:
        return True
    allowed, grace = spec.get("activeDeadlineSeconds"), spec.get("terminationGracePeriodSeconds") or 0
    return bool(began and allowed and _seconds_since(status, began) > allowed + grace + ABANDONED_SECONDS)


def wants_events(status: Status) -> bool:
    """Whether the pod's events may explain what its status does not. Each list of events is a request."""
    status = sound(status)
    if status.started or status.over or status.deleting or in_queue(status) or status.seconds < EVENTS_AFTER_SECONDS:
        return False
    silent = waiting_reasons(status) <= {"", "ContainerCreating", "PodInitializing"}
    return silent or not pull_is_explained(status)


def _first_node_coming(status: Status) -> list[Json]:
    """The first such event only: an autoscaler repeats its request to a node group that is out of stock, without effect."""
    return [event for event in status.events if event.get("reason") in NODE_COMING][:1]


def _time_of(event: Json) -> str | None:
    found: str | None = event.get("firstTimestamp") or event.get("eventTime") or event.get("lastTimestamp")
    return found


def _seconds_since(status: Status, then: str | None) -> float:
    """Seconds since a moment in the pod's life, both by the API server's clock; since its creation where unknown."""
    created = moment(((status.pod or {}).get("metadata") or {}).get("creationTimestamp"))
    at = moment(then)
    if created is None or at is None:
        return status.seconds
    return max(0.0, status.seconds - max(0.0, (at - created).total_seconds()))
