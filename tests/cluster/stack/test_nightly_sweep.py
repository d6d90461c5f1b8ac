"""The sweep that the chart runs at night, run now."""

from __future__ import annotations

import json
from typing import Any

from tests.cluster.stack.local_stack import Stack, until
from tools.cluster.command import kubectl
from tools.stack.names import NAMESPACE

_NAME = "gc-by-hand"


def test_the_sweep_runs_as_the_launcher_and_leaves_what_was_published(stack: Stack) -> None:
    before = {key for job in ("clean_flights", "airport_delays") for key in stack.state.run_keys(job)}
    kubectl("delete", "job", _NAME, "-n", NAMESPACE, "--ignore-not-found")
    kubectl("create", "job", _NAME, "--from=cronjob/polarpod-gc", "-n", NAMESPACE)
    try:
        until(_over, "the sweep had ended")
        told = kubectl("logs", f"job/{_NAME}", "-n", NAMESPACE)
        assert _status().get("succeeded") == 1, told
        assert "nothing to sweep" in told or "deleted" in told
        assert {key for job in ("clean_flights", "airport_delays") for key in stack.state.run_keys(job)} == before
    finally:
        kubectl("delete", "job", _NAME, "-n", NAMESPACE, "--ignore-not-found")


def _status() -> dict[str, Any]:
    found = json.loads(kubectl("get", "job", _NAME, "-n", NAMESPACE, "-o", "json"))
    return dict(found.get("status") or {})


def _over() -> bool:
    conditions = _status().get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)
