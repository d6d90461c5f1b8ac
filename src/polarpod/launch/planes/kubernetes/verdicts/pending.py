"""Why a pod has not started: scheduling, image, configuration, volumes, init containers -> verdict. Pure.

The input is a pod that still waits, so every rule separates transient from permanent reasons: a verdict with the budget
`code` means that a longer wait has no effect. Each kind of reason has a module of its own.
"""

from __future__ import annotations

import re

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import Json, Status
from polarpod.launch.planes.kubernetes.verdicts.configuration import missing
from polarpod.launch.planes.kubernetes.verdicts.images import PULLING, UNUSABLE, not_pulled, unusable
from polarpod.launch.planes.kubernetes.verdicts.init_containers import init_failed
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact, name
from polarpod.launch.planes.kubernetes.verdicts.scheduling import asked, not_scheduled
from polarpod.launch.planes.kubernetes.verdicts.slow_start import slow
from polarpod.launch.planes.kubernetes.verdicts.start_errors import explained, memory_too_low, no_memory
from polarpod.launch.planes.kubernetes.verdicts.waiting import Waiting, waiting

_CONFIGURING = ("CreateContainerConfigError",)
_CREATING = ("CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError")
_RUNS_AS_ROOT = re.compile(r"runAsNonRoot|non-root policy")
# events that mark earlier failures as resolved
_GOT_FURTHER = ("Pulling", "Pulled", "Created", "Started")
_EVENTS_OF_TROUBLE = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox")


def why_not_started(status: Status) -> Verdict:
    """The verdict on a pod whose worker has not started, if the wait ends now."""
    return (
        init_failed(status)
        or not_scheduled(status)
        or next((verdict for waits in waiting(status) if (verdict := _held_up(waits, status))), None)
        or _creating(status)
    )


def _held_up(waits: Waiting, status: Status) -> Verdict | None:
    image = name(waits.image or "unknown")
    said = [f"{waits.what}: {name(waits.reason)}: {fact(waits.message or 'no message')}"]
    if waits.reason in UNUSABLE:
        return unusable(waits.reason, image, said)
    if waits.reason in PULLING:
        return not_pulled(waits, status, image, said)
    if waits.reason in _CONFIGURING:
        if _RUNS_AS_ROOT.search(waits.message):
            return Verdict(
                category=Category.IMAGE_UNUSABLE,
                summary=f"image {image} of {waits.what} runs as root, which its pod may not",
                evidence=said,
                remedy="Give the image a numeric USER other than 0; polarpod's job image has one.",
            )
        return missing(waits.message, said, waits.what)
    if waits.reason in _CREATING:
        if verdict := explained(waits.message, said):
            return verdict
        return slow(f"the runtime could not create {waits.what}", said)
    if waits.reason == "CrashLoopBackOff":
        return slow(f"{waits.what} keeps ending", said)
    return None


def _creating(status: Status) -> Verdict:
    """The verdict where no container has a waiting reason: only events report on volumes and the pod's network."""
    troubles: list[Json] = []
    for event in status.events:
        if event.get("reason") in _GOT_FURTHER:
            troubles.clear()
        elif event.get("reason") in _EVENTS_OF_TROUBLE:
            troubles.append(event)
    if not troubles:
        return slow(
            "the worker had not started", [f"phase {name(status.phase or 'unknown')}", *_reasons(status), *asked(status)]
        )
    reason, message = troubles[-1]["reason"], troubles[-1].get("message") or ""
    said = [f"{reason}: {fact(message)}"]
    if memory_too_low(message):
        return no_memory(said)
    if reason == "FailedCreatePodSandBox":
        return slow("the node could not set up the pod's network or its sandbox", said)
    return missing(message, said, "a volume of the pod")


def _reasons(status: Status) -> list[str]:
    return [f"{waits.what}: {name(waits.reason or 'waiting')}" for waits in waiting(status)]
