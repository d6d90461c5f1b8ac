"""The waiting containers of a pod, and their reasons. Pure."""

from __future__ import annotations

from typing import NamedTuple

from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.sanitize import name


class Waiting(NamedTuple):
    """A waiting container. `what` names it in a summary."""

    what: str
    reason: str
    message: str
    image: str


def waiting(status: Status) -> list[Waiting]:
    """The waiting containers that delay the worker, and the worker if it waits, in the order in which they start."""
    needed = [(f"init container {name(one.get('name', '?'))}", one) for one in status.init]
    found = []
    for what, one in [*needed, ("the worker", status.worker)]:
        waiting = (one.get("state") or {}).get("waiting")
        if waiting is not None:
            found.append(Waiting(what, waiting.get("reason") or "", waiting.get("message") or "", one.get("image") or ""))
    return found


def waiting_reasons(status: Status) -> set[str]:
    """The reasons of the containers that `waiting` returns."""
    return {waits.reason for waits in waiting(status)}
