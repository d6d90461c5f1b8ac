"""Categories, budgets, exit codes and labels as they were published. A red test here breaks somebody's DAG."""

from __future__ import annotations

import pytest

from polarpod.contract import labels
from polarpod.contract.verdict import (
    Budget,
    Category,
    PolarpodError,
    Verdict,
    budget_of,
    exit_code_of,
    is_retryable,
    is_success,
)

# name: (budget, exit code). Lines are added, never changed and never taken away.
FROZEN = {
    "succeeded": ("none", 0),
    "skipped": ("none", 0),
    "request_invalid": ("code", 2),
    "job_import_failed": ("code", 10),
    "job_failed": ("code", 11),
    "job_crashed": ("code", 12),
    "job_returned_wrong": ("code", 13),
    "decimal_rounding": ("code", 14),
    "integer_overflow": ("code", 33),
    "deadline_exceeded": ("code", 15),
    "storage_denied": ("code", 16),
    "image_unusable": ("code", 17),
    "configuration_missing": ("code", 18),
    "worker_refused": ("code", 19),
    "plane_denied": ("code", 30),
    "resources_impossible": ("code", 31),
    "code_mismatch": ("code", 32),
    "input_missing": ("data", 20),
    "input_empty": ("data", 21),
    "input_unreadable": ("data", 22),
    "input_mismatch": ("data", 23),
    "checks_failed": ("data", 24),
    "output_mismatch": ("data", 25),
    "publish_refused": ("data", 26),
    "out_of_memory": ("memory", 40),
    "interrupted": ("platform", 50),
    "worker_lost": ("platform", 51),
    "receipt_missing": ("platform", 52),
    "context_invalid": ("platform", 53),
    "storage_unavailable": ("platform", 54),
    "disk_full": ("platform", 55),
    "spill_unusable": ("platform", 56),
    "publish_conflict": ("platform", 57),
    "superseded": ("platform", 58),
    "internal_error": ("platform", 59),
    "evicted": ("platform", 60),
    "node_lost": ("platform", 61),
    "image_pull_failed": ("platform", 62),
    "unschedulable": ("platform", 63),
    "quota_exceeded": ("platform", 64),
    "not_started": ("platform", 65),
    "plane_unreachable": ("platform", 66),
}
FROZEN_LABELS = {
    "PREFIX": "polarpod.dev/",
    "JOB": "polarpod.dev/job",
    "RUN_KEY": "polarpod.dev/run-key",
    "ATTEMPT": "polarpod.dev/attempt",
    "ATTEMPT_UID": "polarpod.dev/attempt-uid",
    "PLANE": "polarpod.dev/plane",
    "RELEASE": "polarpod.dev/release",
    "RECEIPT": "polarpod.dev/receipt",
    "CALLER": "polarpod.dev/caller",
}
EVERY = [pytest.param(category, id=str(category)) for category in Category]


def test_names_budgets_and_exit_codes_are_those_that_were_published() -> None:
    assert {str(each): (str(budget_of(each)), exit_code_of(each)) for each in Category} == FROZEN


def test_labels_are_those_that_were_published() -> None:
    assert {name: value for name, value in vars(labels).items() if name.isupper()} == FROZEN_LABELS


def test_budgets_are_those_that_were_published() -> None:
    assert [str(budget) for budget in Budget] == ["none", "code", "data", "memory", "platform"]


@pytest.mark.parametrize("category", EVERY)
def test_the_members_name_is_its_value_in_capitals(category: Category) -> None:
    assert category.name == category.value.upper()


@pytest.mark.parametrize("category", EVERY)
def test_exit_codes_stay_below_what_shells_and_kernels_use(category: Category) -> None:
    assert 0 <= exit_code_of(category) < 126
    assert (exit_code_of(category) == 0) is is_success(category) is (budget_of(category) is Budget.NONE)


def test_no_two_failures_share_an_exit_code() -> None:
    codes = [exit_code_of(category) for category in Category if not is_success(category)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("category", EVERY)
def test_only_memory_and_platform_failures_are_tried_again_and_a_superseded_attempt_never(category: Category) -> None:
    may = budget_of(category) in (Budget.MEMORY, Budget.PLATFORM) and category is not Category.SUPERSEDED
    assert is_retryable(category) is may


@pytest.mark.parametrize("category", EVERY)
def test_a_verdict_answers_for_its_category(category: Category) -> None:
    verdict = Verdict(category=category, summary="so it was")
    assert (verdict.budget, verdict.exit_code) == (budget_of(category), exit_code_of(category))
    assert verdict.succeeded is is_success(category)


def test_a_verdict_reads_as_what_happened_then_the_evidence_then_what_to_do() -> None:
    verdict = Verdict(category=Category.INPUT_MISSING, summary="no orders", evidence=["one", "two"], remedy="Wait.")
    assert verdict.text() == ("input_missing: no orders\n  evidence: one\n  evidence: two\n  what to do: Wait.")


def test_a_success_needs_no_remedy() -> None:
    assert Verdict(category=Category.SKIPPED, summary="unchanged").text() == "skipped: unchanged"


def test_an_error_shows_its_verdict_as_its_text() -> None:
    error = PolarpodError(Category.DISK_FULL, "full", evidence=["/data"], remedy="Free space.")
    assert str(error) == error.verdict.text()
