"""Containers that the runtime could not start -> verdict. Pure."""

from __future__ import annotations

import re

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import Json
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact

_NO_COMMAND = re.compile(
    r"executable file not found|no such file or directory|no command specified|exec format error|is a directory"
)
_MEMORY_TOO_LOW = "container init was OOM-killed"


def start_error(terminated: Json) -> Verdict | None:
    """The verdict on a container that the runtime could not start, or None where it ran."""
    if terminated.get("reason") not in ("StartError", "ContainerCannotRun"):
        return None
    message = str(terminated.get("message") or "")
    said = [f"the runtime said: {fact(message)}", f"exit code {terminated.get('exitCode')}"]
    return no_memory(said) if memory_too_low(message) else _no_command(said)


def start_error_is_explained(terminated: Json) -> bool:
    """Whether the runtime states the cause, and not only that the start failed."""
    return explained(str(terminated.get("message") or ""), []) is not None


def memory_too_low(message: str) -> bool:
    """Whether the runtime reports that the memory limit is too low for its own first process."""
    return _MEMORY_TOO_LOW in message


def explained(message: str, said: list[str]) -> Verdict | None:
    """The verdict on the runtime's message, or None where it states only that the start failed."""
    if memory_too_low(message):
        return no_memory(said)
    return _no_command(said) if _NO_COMMAND.search(message) else None


def no_memory(said: list[str]) -> Verdict:
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
