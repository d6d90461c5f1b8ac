"""Why an image is not on the node: its name, its registry, the network -> verdict. Pure."""

from __future__ import annotations

import re

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact
from polarpod.launch.planes.kubernetes.verdicts.waiting import Waiting, waiting

IMAGE_NAME_INVALID = "InvalidImageName"
IMAGE_NEVER_PULLED = "ErrImageNeverPull"
PULLING = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
UNUSABLE = (IMAGE_NAME_INVALID, IMAGE_NEVER_PULLED, "ImageInspectError", "SignatureValidationFailed")
# errors from the registry itself: a retry gets the same answer
_PULL_REFUSED = re.compile(
    r"not found|manifest unknown|name unknown|no match for platform|does not exist|invalid reference format|unauthorized"
    r"|authentication required|authorization failed|no basic auth credentials|access denied|insufficient_scope|denied:"
    r"|\b40[13]\b|certificate signed by unknown authority|server gave HTTP response to HTTPS client|unsupported media type",
    re.IGNORECASE,
)
# network errors and rate limits. They take precedence: some registries report a rate limit as "denied"
_PULL_TROUBLE = re.compile(
    r"too ?many ?requests|rate limit|pull QPS exceeded|\b(?:429|500|502|503|504)\b|time(?:d )?out|deadline exceeded"
    r"|connection re(?:fused|set)|no such host|network is unreachable|no route to host|temporary failure|server misbehaving"
    r"|\bEOF\b|no space left|context canceled|broken pipe",
    re.IGNORECASE,
)


def pull_is_explained(status: Status) -> bool:
    """Whether the pod's status states why an image is not pulled; before Kubernetes 1.31 only its events do."""
    return all(": " in waits.message.partition('": ')[2] for waits in waiting(status) if waits.reason in PULLING)


def unusable(reason: str, image: str, said: list[str]) -> Verdict:
    if reason == IMAGE_NAME_INVALID:
        summary, remedy = f"{image} is not the name of an image", "Mend `image` of the plane, or make the release anew."
    elif reason == IMAGE_NEVER_PULLED:
        summary = f"image {image} is not on the node, and may not be pulled"
        remedy = "Load it onto every node, or set `image_pull_policy: IfNotPresent` in planes.yaml."
    else:
        summary, remedy = f"the node cannot use image {image}", "Build and push it anew; its platform must be the node's."
    return Verdict(category=Category.IMAGE_UNUSABLE, summary=summary, evidence=said, remedy=remedy)


def not_pulled(waits: Waiting, status: Status, image: str, said: list[str]) -> Verdict:
    pulls = [event.get("message") or "" for event in status.events if event.get("reason") == "Failed"]
    told = next((message for message in reversed(pulls) if message.startswith("Failed to pull image")), "")
    # an image's name may contain any of these words, such as "not-found" or "timeout"
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
