"""Init containers that failed: only a plane's `template` adds any. Pure."""

from __future__ import annotations

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import Json, Status
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact, name


def init_has_failed(status: Status) -> bool:
    """Whether an init container failed; the pod does not restart it."""
    return _failed_init(status) is not None


def init_was_killed(status: Status) -> bool:
    """Whether a signal ended the init container that failed, other than the kernel's for a lack of memory."""
    failed = _failed_init(status)
    return failed is not None and (failed[1].get("exitCode") or 0) > 128 and failed[1].get("reason") != "OOMKilled"


def init_failed(status: Status) -> Verdict | None:
    failed = _failed_init(status)
    if failed is None:
        return None
    who, end = failed
    said = str(end.get("message") or "").strip()
    return Verdict(
        # whether the failure is permanent depends on the container: it gets the small retry budget of the platform
        category=Category.NOT_STARTED,
        summary=f"init container {name(who)} failed, so the worker never started",
        evidence=[
            f"{name(who)}: exit code {end.get('exitCode')}, reason {name(end.get('reason') or 'none')}",
            *([f"it said: {fact(said)}"] if said else []),
        ],
        remedy=f"It comes from the plane's `template`: `kubectl logs POD -c {name(who)}` (with `keep_pods`) has its output.",
    )


def _failed_init(status: Status) -> tuple[str, Json] | None:
    sidecars = _sidecars(status)
    for one in status.init:
        end: Json = (one.get("state") or {}).get("terminated") or {}
        # the kubelet treats a container with an OOM-killed process as failed, whatever its exit code
        failed = end.get("exitCode") or end.get("reason") == "OOMKilled"
        if failed and one.get("name") not in sidecars:
            return one.get("name", "?"), end
    return None


def _sidecars(status: Status) -> set[str]:
    """Names of the init containers that run beside the worker: their end is not the end of an initialisation."""
    return {one.get("name", "") for one in status.spec.get("initContainers") or () if one.get("restartPolicy") == "Always"}
