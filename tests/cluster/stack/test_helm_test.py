"""The chart's own tests, as a person runs them after an installation."""

from __future__ import annotations

from tests.cluster.stack.local_stack import Stack
from tools.stack.names import RELEASE
from tools.stack.release import helm


def test_helm_test_passes(stack: Stack) -> None:
    told = helm("test", RELEASE, "--timeout", "10m")
    phases = [line.split()[-1] for line in told.splitlines() if line.startswith("Phase:")]
    assert phases
    assert set(phases) == {"Succeeded"}
