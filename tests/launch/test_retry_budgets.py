"""Which failures are tried again, and how often."""

from __future__ import annotations

import pytest

from polarpod.contract.verdict import Budget, Category, Verdict, budget_of, is_retryable
from polarpod.launch.retry_budgets import DEFAULT, try_again


def verdict(category: Category) -> Verdict:
    return Verdict(category=category, summary="it ended")


def retries(category: Category, allowed: dict[Budget, int] | None = None) -> int:
    """How often this ending is answered with another attempt."""
    spent: dict[Budget, int] = {}
    while try_again(verdict(category), spent, DEFAULT if allowed is None else allowed):
        spent[budget_of(category)] = spent.get(budget_of(category), 0) + 1
    return sum(spent.values())


@pytest.mark.parametrize("category", [pytest.param(category, id=str(category)) for category in Category])
def test_each_category_spends_its_own_budget(category: Category) -> None:
    expected = {Budget.MEMORY: 3, Budget.PLATFORM: 2}.get(budget_of(category), 0)
    assert retries(category) == (expected if is_retryable(category) else 0)


def test_a_superseded_attempt_never_comes_back() -> None:
    assert retries(Category.SUPERSEDED, {Budget.PLATFORM: 99}) == 0


def test_one_budget_does_not_spend_the_others() -> None:
    assert try_again(verdict(Category.OUT_OF_MEMORY), {Budget.PLATFORM: 99})
    assert try_again(verdict(Category.INTERRUPTED), {Budget.MEMORY: 99})
    assert not try_again(verdict(Category.INTERRUPTED), {Budget.PLATFORM: 2})


def test_a_caller_that_retries_by_itself_gives_no_budget() -> None:
    assert retries(Category.INTERRUPTED, {}) == 0
    assert retries(Category.OUT_OF_MEMORY, {Budget.PLATFORM: 9}) == 0


def test_no_budget_makes_a_code_or_data_failure_come_back() -> None:
    plenty = dict.fromkeys(Budget, 99)
    assert retries(Category.JOB_FAILED, plenty) == retries(Category.CHECKS_FAILED, plenty) == 0
    assert retries(Category.SUCCEEDED, plenty) == 0


def test_the_default_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(TypeError):
        DEFAULT[Budget.CODE] = 1
