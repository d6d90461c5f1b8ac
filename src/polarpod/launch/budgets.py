"""When to try again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from polarpod.contract.verdict import Budget, Verdict, is_retryable

# Memory: 1 GiB reaches 8 GiB in three steps; a fourth would hide a job that leaks. Platform: an outage longer than two
# relaunches is for the orchestrator's own retries, which wait longer.
DEFAULT: Mapping[Budget, int] = MappingProxyType({Budget.MEMORY: 3, Budget.PLATFORM: 2})


def try_again(verdict: Verdict, spent: Mapping[Budget, int], allowed: Mapping[Budget, int] = DEFAULT) -> bool:
    """Whether another attempt should follow this verdict.

    Args:
        spent: retries used so far, by budget.
    """
    if not is_retryable(verdict.category):
        return False
    return spent.get(verdict.budget, 0) < allowed.get(verdict.budget, 0)
