"""The task instance that asks for a run: who it is, and how much time it has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

_IDENTITY = ("dag_id", "task_id", "run_id", "map_index")


def labels(context: Mapping[str, Any]) -> dict[str, str]:
    """Which task instance asked, for the receipt. A task that is not mapped has the index -1."""
    found = task(context) | {"try_number": getattr(context.get("ti"), "try_number", None)}
    return {f"airflow.{name}": str(value) for name, value in found.items() if value not in (None, -1)}


def task(context: Mapping[str, Any]) -> dict[str, Any]:
    """The task instance whatever its try."""
    return {name: getattr(context.get("ti"), name, None) for name in _IDENTITY}


def until(timeout: dt.timedelta | None, context: Mapping[str, Any]) -> dt.datetime | None:
    """When the task's execution_timeout is over; its pod and its cluster hold to it too."""
    if timeout is None:
        return None
    begun: dt.datetime = getattr(context.get("ti"), "start_date", None) or dt.datetime.now(dt.UTC)
    return begun + timeout
