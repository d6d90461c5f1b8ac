"""The budgets of retries. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from polarpod.contract.verdict import Budget, Verdict, is_retryable

# Memory: 1 GiB reaches 8 GiB in three steps; a fourth would hide a job that leaks. Platform: an outage longer than two
# relaunches is left to the orchestrator's own retries, which wait longer.
DEFAULT: Mapping[Budget, int] = MappingProxyType({Budget.MEMORY: 3, Budget.PLATFORM: 2})


def try_again(verdict: Verdict, spent: Mapping[Budget, int], allowed: Mapping[Budget, int] = DEFAULT) -> bool:
    """Whether another attempt should follow this verdict.

    Args:
        spent: retries used so far, by budget.
    """
    if not is_retryable(verdict.category):
        return False
    return spent.get(verdict.budget, 0) < allowed.get(verdict.budget, 0)


# An outage of a second is over by the first relaunch, one of half a minute by the second.
_FIRST_PAUSE_SECONDS = 5.0
_PAUSE_GROWTH = 4.0


def pause_seconds(verdict: Verdict, spent: Mapping[Budget, int]) -> float:
    """Seconds to wait before the next attempt. A larger one need not wait; a platform that failed may need a moment."""
    if verdict.budget is not Budget.PLATFORM:
        return 0.0
    return _FIRST_PAUSE_SECONDS * _PAUSE_GROWTH ** spent.get(Budget.PLATFORM, 0)
