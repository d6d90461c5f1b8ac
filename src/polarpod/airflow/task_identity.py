"""The task instance that requests a run: its identity and its time limit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

_IDENTITY = ("dag_id", "task_id", "run_id", "map_index")


def labels(context: Mapping[str, Any]) -> dict[str, str]:
    """Labels of the requesting task instance, for the receipt. The map index -1, of a task without mapping, is omitted."""
    found = task(context) | {"try_number": getattr(context.get("ti"), "try_number", None)}
    return {f"airflow.{name}": str(value) for name, value in found.items() if value not in (None, -1)}


def task(context: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of the task instance, the same for all of its tries."""
    return {name: getattr(context.get("ti"), name, None) for name in _IDENTITY}


def until(timeout: dt.timedelta | None, context: Mapping[str, Any]) -> dt.datetime | None:
    """When the task's execution_timeout ends, or None; the deadline of its pod respects it too."""
    if timeout is None:
        return None
    begun: dt.datetime = getattr(context.get("ti"), "start_date", None) or dt.datetime.now(dt.UTC)
    return begun + timeout
