"""What the demo shows at the end, from Airflow's own answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tools.demo.rest import Rest


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_days(rest: Rest, dag_id: str) -> dict[str, Any]:
    """A row a day, a column a task: what each task's XCom says. Then the first XCom in full, which is returned too."""
    days: dict[str, dict[str, str]] = {}
    example: dict[str, Any] = {}
    for task in sorted(rest.tasks(dag_id), key=_order):
        summary = rest.xcom(task)
        days.setdefault(str(task["logical_date"])[:10], {})[task["task_id"]] = _cell(task, summary)
        example = example or summary
    tasks = list(dict.fromkeys(name for row in days.values() for name in row))
    print_table(["day", *tasks], [[day, *(row.get(name, "-") for name in tasks)] for day, row in days.items()])
    print(f"\n  the XCom of the first: {json.dumps(example)}")
    return example


def print_mapped(rest: Rest, dag_id: str, run: str = "~") -> None:
    """A line a task: how its mapped instances ended."""
    found: dict[str, dict[str, int]] = {}
    for task in rest.tasks(dag_id, run):
        summary = rest.xcom(task)
        if isinstance(summary, dict):
            counts = found.setdefault(task["task_id"], {})
            counts[summary["category"]] = counts.get(summary["category"], 0) + 1
    for name, counts in sorted(found.items()):
        print(f"  {name}: " + ", ".join(f"{count} {category}" for category, count in counts.items()))


def print_failures(rest: Rest, dag_id: str, run: str = "~") -> None:
    """The verdicts of the tasks that failed; not of those that only waited for them."""
    for task in rest.tasks(dag_id, run):
        if task["state"] == "failed":
            print(f"\n{task['task_id']} of {task['dag_run_id']} failed at try {task['try_number']}:\n{rest.why(task)}")


def _order(task: dict[str, Any]) -> tuple[str, str]:
    return str(task["logical_date"]), str(task["start_date"])


def _cell(task: dict[str, Any], summary: Any) -> str:
    if not isinstance(summary, dict):
        return str(task["state"])
    rows = f", {summary['rows']:,} rows" if "rows" in summary else ""
    aside = f", {summary['rows_failed']} set aside" if "rows_failed" in summary else ""
    return f"{summary['category']}{rows}{aside}"
