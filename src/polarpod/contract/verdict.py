"""The outcome of a run, and the kind of its cause.

Categories, budgets and exit codes are a public contract: DAGs, dashboards and shell scripts match on them, so a name or
a number is never changed or reused, only added.

A *budget* determines which retries a failure spends. `code` and `data` failures repeat identically, so they spend none and
stop the run at once. `memory` failures are retried with more memory. `platform` failures are retried unchanged.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec


class Budget(StrEnum):
    """The kind of a failure's cause, which determines the retries it spends."""

    NONE = "none"
    CODE = "code"
    DATA = "data"
    MEMORY = "memory"
    PLATFORM = "platform"


class Category(StrEnum):
    """The stable name of an outcome."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    # code: the request, the job or its declaration is wrong; a retry repeats the failure
    REQUEST_INVALID = "request_invalid"
    JOB_IMPORT_FAILED = "job_import_failed"
    JOB_FAILED = "job_failed"
    JOB_CRASHED = "job_crashed"
    JOB_RETURNED_WRONG = "job_returned_wrong"
    DECIMAL_ROUNDING = "decimal_rounding"
    INTEGER_OVERFLOW = "integer_overflow"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    STORAGE_DENIED = "storage_denied"
    IMAGE_UNUSABLE = "image_unusable"
    CONFIGURATION_MISSING = "configuration_missing"
    WORKER_REFUSED = "worker_refused"
    PLANE_DENIED = "plane_denied"
    RESOURCES_IMPOSSIBLE = "resources_impossible"
    CODE_MISMATCH = "code_mismatch"
    # data: the rows read or made break their contract; nothing was published
    INPUT_MISSING = "input_missing"
    INPUT_EMPTY = "input_empty"
    INPUT_UNREADABLE = "input_unreadable"
    INPUT_MISMATCH = "input_mismatch"
    CHECKS_FAILED = "checks_failed"
    OUTPUT_MISMATCH = "output_mismatch"
    PUBLISH_REFUSED = "publish_refused"
    # memory: the worker needed more than its limit
    OUT_OF_MEMORY = "out_of_memory"
    # platform: the machine, the store or an external request ended the run
    INTERRUPTED = "interrupted"
    WORKER_LOST = "worker_lost"
    RECEIPT_MISSING = "receipt_missing"
    CONTEXT_INVALID = "context_invalid"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    DISK_FULL = "disk_full"
    SPILL_UNUSABLE = "spill_unusable"
    PUBLISH_CONFLICT = "publish_conflict"
    SUPERSEDED = "superseded"
    INTERNAL_ERROR = "internal_error"
    EVICTED = "evicted"
    NODE_LOST = "node_lost"
    IMAGE_PULL_FAILED = "image_pull_failed"
    UNSCHEDULABLE = "unschedulable"
    QUOTA_EXCEEDED = "quota_exceeded"
    NOT_STARTED = "not_started"
    PLANE_UNREACHABLE = "plane_unreachable"


class _Row(NamedTuple):
    budget: Budget
    exit_code: int


# Exit codes stay below 126: the shell and the kernel use those above (127 not found, 128+n killed by signal n).
_TABLE: dict[Category, _Row] = {
    Category.SUCCEEDED: _Row(Budget.NONE, 0),
    Category.SKIPPED: _Row(Budget.NONE, 0),
    Category.REQUEST_INVALID: _Row(Budget.CODE, 2),  # 2 is what command lines use for a usage error
    Category.JOB_IMPORT_FAILED: _Row(Budget.CODE, 10),
    Category.JOB_FAILED: _Row(Budget.CODE, 11),
    Category.JOB_CRASHED: _Row(Budget.CODE, 12),
    Category.JOB_RETURNED_WRONG: _Row(Budget.CODE, 13),
    Category.DECIMAL_ROUNDING: _Row(Budget.CODE, 14),
    Category.DEADLINE_EXCEEDED: _Row(Budget.CODE, 15),
    Category.STORAGE_DENIED: _Row(Budget.CODE, 16),
    Category.IMAGE_UNUSABLE: _Row(Budget.CODE, 17),
    Category.CONFIGURATION_MISSING: _Row(Budget.CODE, 18),
    Category.WORKER_REFUSED: _Row(Budget.CODE, 19),
    Category.PLANE_DENIED: _Row(Budget.CODE, 30),
    Category.RESOURCES_IMPOSSIBLE: _Row(Budget.CODE, 31),
    Category.CODE_MISMATCH: _Row(Budget.CODE, 32),
    Category.INTEGER_OVERFLOW: _Row(Budget.CODE, 33),
    Category.INPUT_MISSING: _Row(Budget.DATA, 20),
    Category.INPUT_EMPTY: _Row(Budget.DATA, 21),
    Category.INPUT_UNREADABLE: _Row(Budget.DATA, 22),
    Category.INPUT_MISMATCH: _Row(Budget.DATA, 23),
    Category.CHECKS_FAILED: _Row(Budget.DATA, 24),
    Category.OUTPUT_MISMATCH: _Row(Budget.DATA, 25),
    Category.PUBLISH_REFUSED: _Row(Budget.DATA, 26),
    Category.OUT_OF_MEMORY: _Row(Budget.MEMORY, 40),
    Category.INTERRUPTED: _Row(Budget.PLATFORM, 50),
    Category.WORKER_LOST: _Row(Budget.PLATFORM, 51),
    Category.RECEIPT_MISSING: _Row(Budget.PLATFORM, 52),
    Category.CONTEXT_INVALID: _Row(Budget.PLATFORM, 53),
    Category.STORAGE_UNAVAILABLE: _Row(Budget.PLATFORM, 54),
    Category.DISK_FULL: _Row(Budget.PLATFORM, 55),
    Category.SPILL_UNUSABLE: _Row(Budget.PLATFORM, 56),
    Category.PUBLISH_CONFLICT: _Row(Budget.PLATFORM, 57),
    Category.SUPERSEDED: _Row(Budget.PLATFORM, 58),
    Category.INTERNAL_ERROR: _Row(Budget.PLATFORM, 59),
    Category.EVICTED: _Row(Budget.PLATFORM, 60),
    Category.NODE_LOST: _Row(Budget.PLATFORM, 61),
    Category.IMAGE_PULL_FAILED: _Row(Budget.PLATFORM, 62),
    Category.UNSCHEDULABLE: _Row(Budget.PLATFORM, 63),
    Category.QUOTA_EXCEEDED: _Row(Budget.PLATFORM, 64),
    Category.NOT_STARTED: _Row(Budget.PLATFORM, 65),
    Category.PLANE_UNREACHABLE: _Row(Budget.PLATFORM, 66),
}


# The code that detects an out-of-memory end does not know the plane's limit; the launcher does, and reports where it is met.
MORE_MEMORY = (
    "Where max_memory of the plane allows more, the next attempt gets it by itself; to start there, raise `memory` in @job."
)


def budget_of(category: Category) -> Budget:
    """The budget whose retries a failure of this category spends."""
    return _TABLE[category].budget


def exit_code_of(category: Category) -> int:
    """The process exit code of this category, in the worker and in the command line alike."""
    return _TABLE[category].exit_code


def is_success(category: Category) -> bool:
    return _TABLE[category].budget is Budget.NONE


def is_retryable(category: Category) -> bool:
    """Whether another attempt can end differently. A superseded attempt is never retried: a newer one has committed."""
    return budget_of(category) in (Budget.MEMORY, Budget.PLATFORM) and category is not Category.SUPERSEDED


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one attempt, for people and for programs.

    Attributes:
        category: the stable name of the outcome.
        summary: one line: what happened.
        evidence: the facts behind it: paths, counts, limits, the error's message. Never a secret.
        remedy: what to do now. Empty on success.
    """

    category: Category
    summary: str
    evidence: list[str] = msgspec.field(default_factory=list)
    remedy: str = ""

    @property
    def budget(self) -> Budget:
        return budget_of(self.category)

    @property
    def exit_code(self) -> int:
        return exit_code_of(self.category)

    @property
    def succeeded(self) -> bool:
        return is_success(self.category)

    def text(self) -> str:
        """The verdict as text for people: what happened, the evidence, what to do."""
        lines = [f"{self.category}: {self.summary}"]
        lines += [f"  evidence: {line}" for line in self.evidence]
        if self.remedy:
            lines.append(f"  what to do: {self.remedy}")
        return "\n".join(lines)


def without_user_info(text: str) -> str:
    """The text with the users and passwords of its URLs masked."""
    if "://" not in text or "@" not in text:
        return text
    from polarpod.contract.redact import hide_user_info  # its patterns take milliseconds to compile, and few texts need them

    return hide_user_info(text)


def without_url_secrets(text: str) -> str:
    """As `without_user_info`, with signatures and tokens in the queries masked too."""
    if not ("://" in text and "@" in text) and not ("?" in text and "=" in text):
        return text
    from polarpod.contract.redact import hide_in_urls

    return hide_in_urls(text)


class PolarpodError(Exception):
    """A failure with a known cause: it has a verdict, which is shown instead of a traceback.

    Raised anywhere between the command line and the worker's child; the code at the process boundary turns it into a
    receipt, an exit code or an Airflow failure.
    """

    def __init__(self, category: Category, summary: str, *, evidence: list[str] | None = None, remedy: str = "") -> None:
        self.verdict = Verdict(
            category=category,
            # errors quote the places they refuse, and some hold a password or a signature
            summary=without_url_secrets(summary),
            evidence=[without_url_secrets(line) for line in evidence or []],
            remedy=without_url_secrets(remedy),
        )
        super().__init__(self.verdict.text())
