"""Why a pod has not started: scheduling, image, configuration, volumes, init containers -> verdict. Pure.

Everything here is read from a pod that still waits, so every rule is about telling what will pass from what will not:
a verdict with the budget `code` says that waiting longer is no use.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import WORKER, Json, Status
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact, name, requests

# The scheduler says twice why not, by count of nodes: as they are, and after what could be preempted.
_NO_NODE = re.compile(r"0/(\d+) nodes are available")
_INSUFFICIENT = re.compile(r"Insufficient ([\w./-]+\w)")
# since Kubernetes 1.34 a node that is too small even when empty is one on which "preemption is not helpful"; a node that
# is only full has "no preemption victims". Before 1.34 both are the latter, and the start timeout decides.
_NOT_HELPFUL = re.compile(r"(\d+) Preemption is not helpful for scheduling")
# nodes that are out of the question now and may be back: they could be the big ones
_NODE_AWAY = re.compile(r"node\.kubernetes\.io/|node\(s\) were unschedulable|node\(s\) had untolerated taint\(s\)")
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
# cluster-autoscaler, Karpenter and EKS auto mode, each in its own words
NODE_COMING = ("TriggeredScaleUp", "Nominated")
_NO_NODE_COMING = ("NotTriggerScaleUp", "FailedScaleUp", "FailedScheduling")

IMAGE_NAME_INVALID = "InvalidImageName"
IMAGE_NEVER_PULLED = "ErrImageNeverPull"
_PULLING = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
_IMAGE = (IMAGE_NAME_INVALID, IMAGE_NEVER_PULLED, "ImageInspectError", "SignatureValidationFailed")
# the registry's own words: another try is answered alike
_PULL_REFUSED = re.compile(
    r"not found|manifest unknown|name unknown|no match for platform|does not exist|invalid reference format|unauthorized"
    r"|authentication required|authorization failed|no basic auth credentials|access denied|insufficient_scope|denied:"
    r"|\b40[13]\b|certificate signed by unknown authority|server gave HTTP response to HTTPS client|unsupported media type",
    re.IGNORECASE,
)
# the way to it, or its patience. Looked for first: a rate limit is answered with "denied" by some
_PULL_TROUBLE = re.compile(
    r"too ?many ?requests|rate limit|pull QPS exceeded|\b(?:429|500|502|503|504)\b|time(?:d )?out|deadline exceeded"
    r"|connection re(?:fused|set)|no such host|network is unreachable|no route to host|temporary failure|server misbehaving"
    r"|\bEOF\b|no space left|context canceled|broken pipe",
    re.IGNORECASE,
)

_CONFIGURING = ("CreateContainerConfigError",)
_CREATING = ("CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError")
_MISSING = re.compile(
    r'(secret|configmap|persistentvolumeclaim) "([^"]+)" (?:not found|not registered)'
    r"|couldn't find key (\S+) in (Secret|ConfigMap) (\S+)"
    r"|references non-existent (secret|config) key: (\S+)"
    r"|hostPath type check failed: (.*)",
    re.IGNORECASE,
)
# a kubelet that has just started does not know the namespace's objects yet
_NOT_REGISTERED = "not registered"
_RUNS_AS_ROOT = re.compile(r"runAsNonRoot|non-root policy")
_NO_COMMAND = re.compile(
    r"executable file not found|no such file or directory|no command specified|exec format error|is a directory"
)
_MEMORY_TOO_LOW = "container init was OOM-killed"
# events that show that what had failed before them is over
_GOT_FURTHER = ("Pulling", "Pulled", "Created", "Started")
_EVENTS_OF_TROUBLE = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox")


class _Waits(NamedTuple):
    """A container that waits. `what` names it in a summary."""

    what: str
    reason: str
    message: str
    image: str


def why_not_started(status: Status) -> Verdict:
    """The verdict on a pod whose worker has not started, should nobody wait any longer."""
    return (
        _init_failed(status)
        or _not_scheduled(status)
        or next((verdict for waits in _waiting(status) if (verdict := _held_up(waits, status))), None)
        or _creating(status)
    )


def in_queue(status: Status) -> bool:
    """Whether somebody else decides when the pod may be looked at by the scheduler: a Kueue queue, for example."""
    return status.conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated"


def is_scheduled(status: Status) -> bool:
    return status.conditions.get("PodScheduled", {}).get("status") == "True" or bool(_spec(status).get("nodeName"))


def init_has_failed(status: Status) -> bool:
    """Whether an init container failed in a pod that gives it no second try."""
    return _failed_init(status) is not None


def init_was_killed(status: Status) -> bool:
    """Whether the init container that failed was ended by a signal, and not by the kernel for its memory."""
    failed = _failed_init(status)
    return failed is not None and (failed[1].get("exitCode") or 0) > 128 and failed[1].get("reason") != "OOMKilled"


def waiting_reasons(status: Status) -> set[str]:
    """Why containers wait that the worker needs."""
    return {waits.reason for waits in _waiting(status)}


def pull_is_explained(status: Status) -> bool:
    """Whether the pod itself says why an image is not pulled; before Kubernetes 1.31 only its events do."""
    return all(": " in waits.message.partition('": ')[2] for waits in _waiting(status) if waits.reason in _PULLING)


def start_error(terminated: Json) -> Verdict | None:
    """The verdict on a container that the runtime could not start, or None where it ran."""
    if terminated.get("reason") not in ("StartError", "ContainerCannotRun"):
        return None
    message = str(terminated.get("message") or "")
    said = [f"the runtime said: {fact(message)}", f"exit code {terminated.get('exitCode')}"]
    return _no_memory(said) if _MEMORY_TOO_LOW in message else _no_command(said)


def start_error_is_explained(terminated: Json) -> bool:
    """Whether the runtime says what is wrong, and not only that it could not go on."""
    message = str(terminated.get("message") or "")
    return _MEMORY_TOO_LOW in message or _NO_COMMAND.search(message) is not None


def _spec(status: Status) -> Json:
    found: Json = (status.pod or {}).get("spec") or {}
    return found


def _sidecars(status: Status) -> set[str]:
    """Init containers that are meant to go on beside the worker: their end is not the end of an initialisation."""
    return {one.get("name", "") for one in _spec(status).get("initContainers") or () if one.get("restartPolicy") == "Always"}


def _failed_init(status: Status) -> tuple[str, Json] | None:
    sidecars = _sidecars(status)
    for one in status.init:
        end: Json = (one.get("state") or {}).get("terminated") or {}
        # the kubelet takes one of which a process was killed for a failure, whatever its own exit code
        failed = end.get("exitCode") or end.get("reason") == "OOMKilled"
        if failed and one.get("name") not in sidecars:
            return one.get("name", "?"), end
    return None


def _init_failed(status: Status) -> Verdict | None:
    failed = _failed_init(status)
    if failed is None:
        return None
    who, end = failed
    said = str(end.get("message") or "").strip()
    return Verdict(
        # only its author knows whether it fails for ever or waited for something: it gets the platform's few tries
        category=Category.NOT_STARTED,
        summary=f"init container {name(who)} failed, so the worker never started",
        evidence=[
            f"{name(who)}: exit code {end.get('exitCode')}, reason {name(end.get('reason') or 'none')}",
            *([f"it said: {fact(said)}"] if said else []),
        ],
        remedy=f"It comes from the plane's `template`: `kubectl logs POD -c {name(who)}` (with `keep_pods`) has its output.",
    )


def _not_scheduled(status: Status) -> Verdict | None:
    condition = status.conditions.get("PodScheduled", {})
    if condition.get("status") != "False":
        return None
    message = condition.get("message") or ""
    if in_queue(status):
        gates = ", ".join(name(gate.get("name", "?")) for gate in _spec(status).get("schedulingGates") or ())
        return Verdict(
            category=Category.UNSCHEDULABLE,
            summary="the pod waits in its queue",
            evidence=[f"scheduling gates: {gates or 'unknown'}", *_asked(status)],
            remedy="Nothing to mend: its queue lets it in when there is room. `kubectl get workloads` shows its place.",
        )
    evidence = [f"the scheduler said: {fact(message) or 'nothing yet'}", *_asked(status), *_autoscaler(status)]
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
    """Whether every node that is not ruled out for good is too small even when empty.

    Not where a node may come or come back: an autoscaler's may be bigger than any there is, and a cordoned node may be
    the big one. What is left of false positives is a node somebody is about to add by hand, hence the wait before this
    counts (patience.py).
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


def _asked(status: Status) -> list[str]:
    asked = requests(status.pod, WORKER)
    return [f"the worker asks for {asked}"] if asked else []


def _autoscaler(status: Status) -> list[str]:
    """The autoscaler's last word. Its FailedScheduling (Karpenter's) is told from the scheduler's by what it says."""
    said = [
        event
        for event in status.events
        if event.get("reason") in (*NODE_COMING, *_NO_NODE_COMING)
        and "nodes are available" not in (event.get("message") or "")
    ]
    return [f"the autoscaler said: {fact(said[-1].get('message') or said[-1]['reason'])}"] if said else []


def _waiting(status: Status) -> list[_Waits]:
    """The containers that hold the worker up, in the order in which they start."""
    needed = [(f"init container {name(one.get('name', '?'))}", one) for one in status.init]
    found = []
    for what, one in [*needed, ("the worker", status.worker)]:
        waiting = (one.get("state") or {}).get("waiting")
        if waiting is not None:
            found.append(_Waits(what, waiting.get("reason") or "", waiting.get("message") or "", one.get("image") or ""))
    return found


def _held_up(waits: _Waits, status: Status) -> Verdict | None:
    image = name(waits.image or "unknown")
    said = [f"{waits.what}: {name(waits.reason)}: {fact(waits.message or 'no message')}"]
    if waits.reason in _IMAGE:
        return _unusable(waits, image, said)
    if waits.reason in _PULLING:
        return _not_pulled(waits, status, image, said)
    if waits.reason in _CONFIGURING:
        if _RUNS_AS_ROOT.search(waits.message):
            return Verdict(
                category=Category.IMAGE_UNUSABLE,
                summary=f"image {image} of {waits.what} runs as root, which its pod may not",
                evidence=said,
                remedy="Give the image a numeric USER other than 0; polarpod's job image has one.",
            )
        return _missing(waits.message, said, waits.what)
    if waits.reason in _CREATING:
        if _MEMORY_TOO_LOW in waits.message:
            return _no_memory(said)
        if _NO_COMMAND.search(waits.message):
            return _no_command(said)
        return _slow(f"the runtime could not create {waits.what}", said)
    if waits.reason == "CrashLoopBackOff":
        return _slow(f"{waits.what} keeps ending", said)
    return None


def _unusable(waits: _Waits, image: str, said: list[str]) -> Verdict:
    if waits.reason == IMAGE_NAME_INVALID:
        summary, remedy = f"{image} is not the name of an image", "Mend `image` of the plane, or make the release anew."
    elif waits.reason == IMAGE_NEVER_PULLED:
        summary = f"image {image} is not on the node, and may not be pulled"
        remedy = "Load it onto every node, or set `image_pull_policy: IfNotPresent` in planes.yaml."
    else:
        summary, remedy = f"the node cannot use image {image}", "Build and push it anew; its platform must be the node's."
    return Verdict(category=Category.IMAGE_UNUSABLE, summary=summary, evidence=said, remedy=remedy)


def _not_pulled(waits: _Waits, status: Status, image: str, said: list[str]) -> Verdict:
    pulls = [event.get("message") or "" for event in status.events if event.get("reason") == "Failed"]
    told = next((message for message in reversed(pulls) if message.startswith("Failed to pull image")), "")
    # an image may be called what it likes, and "not-found" or "timeout" are likely names of one
    words = f"{waits.message} {told}".replace(waits.image or "\0", "")
    evidence = said if pull_is_explained(status) or not told else [*said, f"the kubelet said: {fact(told)}"]
    if _PULL_REFUSED.search(words) and not _PULL_TROUBLE.search(words):
        return Verdict(
            category=Category.IMAGE_UNUSABLE,
            summary=f"the registry does not hand out image {image}",
            evidence=evidence,
            remedy="Check `image` of the plane (or the release's digest): is it pushed, for the node's platform? "
            "A private registry needs `image_pull_secrets`, or the node's own right to pull.",
        )
    return Verdict(
        category=Category.IMAGE_PULL_FAILED,
        summary=f"image {image} could not be pulled",
        evidence=evidence,
        remedy="The registry or the way to it failed: run it again. Where it goes on, mirror the image nearer to the nodes.",
    )


def _missing(message: str, said: list[str], what: str) -> Verdict:
    match = None if _NOT_REGISTERED in message else _MISSING.search(message)
    if match is None:
        return _slow(f"{what} could not be configured yet", said)
    kind, named, key, holder, held, reference, absent, path = match.groups()
    if named:
        summary = f"{kind.lower()} {name(named)} does not exist in the plane's namespace"
    elif key:
        summary = f"{holder.lower()} {name(held.rpartition('/')[2])} has no key {name(key)}"
    elif reference:
        summary = f"a {reference} of the pod's volumes has no key {name(absent)}"
    else:
        summary = f"a path of the node is not what the pod's template says: {name(path)}"
    return Verdict(
        category=Category.CONFIGURATION_MISSING,
        summary=summary,
        evidence=said,
        remedy="Create it, or mend `environment_from_secrets` or the `template` of the plane.",
    )


def _no_memory(said: list[str]) -> Verdict:
    return Verdict(
        category=Category.OUT_OF_MEMORY,
        summary="the memory limit is too low even to start a process",
        evidence=said,
        remedy="Raise `memory` in @job.",
    )


def _no_command(said: list[str]) -> Verdict:
    return Verdict(
        category=Category.IMAGE_UNUSABLE,
        summary="the image does not have the worker's command",
        evidence=said,
        remedy="Is `image` of the plane a polarpod job image, built for the node's platform?",
    )


def _creating(status: Status) -> Verdict:
    """Nothing waits by name: volumes or the pod's network, of which only events tell."""
    troubles: list[Json] = []
    for event in status.events:
        if event.get("reason") in _GOT_FURTHER:
            troubles.clear()
        elif event.get("reason") in _EVENTS_OF_TROUBLE:
            troubles.append(event)
    if not troubles:
        return _slow(
            "the worker had not started", [f"phase {name(status.phase or 'unknown')}", *_reasons(status), *_asked(status)]
        )
    reason, message = troubles[-1]["reason"], troubles[-1].get("message") or ""
    said = [f"{reason}: {fact(message)}"]
    if _MEMORY_TOO_LOW in message:
        return _no_memory(said)
    if reason == "FailedCreatePodSandBox":
        return _slow("the node could not set up the pod's network or its sandbox", said)
    return _missing(message, said, "a volume of the pod")


def _reasons(status: Status) -> list[str]:
    return [f"{waits.what}: {name(waits.reason or 'waiting')}" for waits in _waiting(status)]


def _slow(summary: str, evidence: list[str]) -> Verdict:
    return Verdict(
        category=Category.NOT_STARTED,
        summary=summary,
        evidence=evidence,
        remedy="Run it again. Nodes that need longer than this want a larger `start_timeout_seconds` in planes.yaml.",
    )
