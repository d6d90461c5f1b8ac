"""The fields that are read of a pod, and the quoting of the cluster's messages.

A diagnosis must complete on any input: a proxy, an old recording or a webhook may return values that no schema allows, and
a launcher that crashes on one would leave a run without a verdict. So only values of the expected type are read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from polarpod.contract.redact import redact
from polarpod.launch.planes.kubernetes.status import Json, Status

# a registry's or a webhook's answer may be a page long; its first lines state the error
LONGEST_FACT = 500

_CONTAINER: dict[str, Any] = {
    "name": str,
    "image": str,
    "state": {
        "waiting": {"reason": str, "message": str},
        "running": {"startedAt": str},
        "terminated": {"exitCode": int, "signal": int, "reason": str, "message": str, "startedAt": str},
    },
}
_POD: dict[str, Any] = {
    "metadata": {"creationTimestamp": str, "deletionTimestamp": str},
    "spec": {
        "nodeName": str,
        "schedulingGates": [{"name": str}],
        "initContainers": [{"name": str, "restartPolicy": str}],
        "containers": [{"name": str, "resources": {"requests": {"cpu": str, "memory": str, "ephemeral-storage": str}}}],
    },
    "status": {
        "phase": str,
        "reason": str,
        "message": str,
        "conditions": [{"type": str, "status": str, "reason": str, "message": str, "lastTransitionTime": str}],
        "containerStatuses": [_CONTAINER],
        "initContainerStatuses": [_CONTAINER],
    },
}
_EVENT: dict[str, Any] = {"reason": str, "message": str, "eventTime": str, "firstTimestamp": str, "lastTimestamp": str}


def sound(status: Status) -> Status:
    """The status reduced to the fields that are read, each of the expected type."""
    events = list(status.events) if isinstance(status.events, (list, tuple)) else []
    return status._replace(pod=_fit(status.pod, _POD), events=_fit(events, [_EVENT]))


def _fit(value: object, shape: Any) -> Any:
    """The part of a value that matches a shape; None where the value itself is of another type."""
    if isinstance(shape, dict):
        if not isinstance(value, Mapping):
            return None
        fitted = {key: _fit(value.get(key), part) for key, part in shape.items()}
        return {key: part for key, part in fitted.items() if part is not None}
    if isinstance(shape, list):
        if not isinstance(value, list):
            return None
        return [part for part in (_fit(one, shape[0]) for one in value) if part is not None]
    return value if isinstance(value, shape) and not isinstance(value, bool) else None


def fact(text: str, longest: int = LONGEST_FACT) -> str:
    """A text from the cluster as one line of evidence: redacted, of at most `longest` characters."""
    line = " ".join(redact(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def name(text: str) -> str:
    """Likewise for a part of a summary, of at most 100 characters."""
    return fact(text, 100)


def requests(pod: Json | None, container: str) -> str:
    """A container's requests as Kubernetes quantities: "cpu 1, memory 2Gi"; "" where it states none."""
    spec = (pod or {}).get("spec") or {}
    for one in spec.get("containers") or ():
        if one.get("name") == container:
            asked = (one.get("resources") or {}).get("requests") or {}
            return ", ".join(f"{resource} {name(amount)}" for resource, amount in asked.items())
    return ""


def moment(text: str | None) -> dt.datetime | None:
    """A timestamp of the API server, in UTC where it has no offset; None for any other text."""
    try:
        found = dt.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


_NUMBER = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]{1,4})?")
_SUFFIX: dict[str, str | int] = {
    "n": "1e-9", "u": "1e-6", "m": "1e-3", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15", "E": "1e18",
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


def quantity(text: str) -> Decimal | None:
    """Any Kubernetes quantity as a number; None for other texts. The API server prints more forms than authors write."""
    for suffix in sorted(_SUFFIX, key=len, reverse=True):
        if text.endswith(suffix):
            return _times(text[: -len(suffix)], Decimal(_SUFFIX[suffix]))
    return _times(text, Decimal(1))


def _times(number: str, factor: Decimal) -> Decimal | None:
    try:
        # Decimal would accept spaces around the number, and underscores within
        found = Decimal(number if _NUMBER.fullmatch(number) else "") * factor
    except (InvalidOperation, ArithmeticError):
        return None
    return found if found.is_finite() else None
