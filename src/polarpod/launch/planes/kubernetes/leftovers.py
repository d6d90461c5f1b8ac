"""Pods without a launcher: of attempts that are over, or that no state store has.

The pod of a launcher that died continues, by design: the next launcher attaches to it. It is garbage once its attempt has a
verdict, once it has ended and its run moved on, or once it has ended and its state is gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from polarpod.contract import labels
from polarpod.launch.attempt_end import is_over
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.planes.kind import Leftover
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.status import Json, Status

_OURS = "app.kubernetes.io/managed-by=polarpod"
# a launcher deletes an ended pod within seconds; one that attaches later may still have to read it
_SLACK = dt.timedelta(hours=1)


def find_left_pods(cluster: Cluster, known: Mapping[str, AttemptInfo], *, now: dt.datetime) -> list[Leftover]:
    """The pods of a plane's namespace that a sweep would delete.

    Args:
        known: attempts of this plane's state store by uid. A namespace may be shared with another state store, so of
            pods that are not among these only ended ones are returned.
    """
    found = []
    for pod in cluster.pods(_OURS):
        metadata = pod["metadata"]
        uid = str((metadata.get("labels") or {}).get(labels.ATTEMPT_UID, ""))
        if why := _why(pod, known.get(uid), now):
            own = metadata.get("labels") or {}
            run = f"{own.get(labels.JOB, '?')}/{own.get(labels.RUN_KEY, '?')}"
            found.append(Leftover("pod", str(metadata["name"]), uid, run, why, token=str(metadata["uid"])))
    return found


def live_attempts(cluster: Cluster) -> set[str]:
    """The uids of the attempts in a plane's namespace that may still run, by the pods that the API server lists."""
    return {
        str((pod["metadata"].get("labels") or {}).get(labels.ATTEMPT_UID, ""))
        for pod in cluster.pods(_OURS)
        if not Status(pod=pod).over
    }


def delete_pods(cluster: Cluster, pods: Sequence[Leftover]) -> None:
    """Deletes these pods."""
    for pod in pods:
        cluster.delete(pod.name, pod.token)


def _why(pod: Json, info: AttemptInfo | None, now: dt.datetime) -> str:
    """Why a pod is garbage; empty where a launcher may still need it, or its deletion is under way."""
    status = Status(pod=pod)
    if status.deleting:
        return ""
    old = now - dt.datetime.fromisoformat(str(pod["metadata"]["creationTimestamp"])) > _SLACK
    if info is None or info.context is None:
        return "it has ended, and no attempt of this state store is known to be its" if status.over and old else ""
    if info.record:
        return f"its attempt was judged: {info.record.verdict.category}"
    if is_over(info, now) and (info.receipt is None or status.over):
        return "its attempt is over, and no launcher came back for it"
    return ""
