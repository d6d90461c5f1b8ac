"""Waiting in front of people: one line that changes in a terminal, one line a step where the output is kept."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tools.demo.processes import Died
from tools.demo.rest import Rest

_POLL_SECONDS = 0.5
_OVER = ("success", "failed")


class Line:
    """Shows the newest of many states."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._shown = ""

    def show(self, text: str, *, step: str) -> None:
        """Shows a text; where lines stay, only when the step it belongs to is a new one."""
        if self._live:
            print(f"\r\033[K  {text}", end="", flush=True)
        elif step != self._shown:
            print(f"  {text}", flush=True)
        self._shown = step

    def done(self) -> None:
        if self._live and self._shown:
            print(flush=True)


def wait_for_runs(rest: Rest, dag_id: str, count: int, check: Callable[[], None], *, seconds: float, run: str = "~") -> bool:
    """Waits until that many runs of a DAG are over. Returns whether all were a success.

    Args:
        check: raises where something has died meanwhile.
        run: only this one, by its id.
    """
    line = Line()
    limit = time.monotonic() + seconds
    try:
        while True:
            check()
            runs = [one for one in rest.runs(dag_id) if run in ("~", one["dag_run_id"])]
            over = [one for one in runs if one["state"] in _OVER]
            line.show(f"{len(over)} of {count} runs over; tasks: {_states(rest.tasks(dag_id, run))}", step=str(len(over)))
            if len(over) >= count:
                return all(one["state"] == "success" for one in over)
            if time.monotonic() > limit:
                raise Died(f"{dag_id} did not end within {seconds:.0f} s")
            time.sleep(_POLL_SECONDS)
    finally:
        line.done()


def _states(tasks: list[dict[str, Any]]) -> str:
    counts = Counter(str(task["state"] or "waiting") for task in tasks)
    return ", ".join(f"{count} {state}" for state, count in counts.most_common()) or "none yet"
