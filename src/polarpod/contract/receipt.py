"""The receipt: the document that a worker writes at its end.

A run succeeded only if a receipt with status `succeeded` exists for *this attempt's uid*. It holds everything that on-call,
the sizing of the next attempt and cost reports need; logs are only for people.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from polarpod.contract.context import Attempt, RunKey, Value, Version
from polarpod.contract.verdict import Verdict
from polarpod.contract.version import PROTOCOL


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Files below an input's URI that are not read, for one reason. `first` names a few of them."""

    reason: str
    files: int
    first: list[str]

    def text(self) -> str:
        names = ", ".join(repr(name) if name != name.strip() or not name.isprintable() else name for name in self.first)
        return f"left out: {self.files:,} {'file' if self.files == 1 else 'files'} ({self.reason}): {names}" + (
            ", ..." if self.files > len(self.first) else ""
        )


class InputUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a run read from one input: its version, its size, and the files that were left out."""

    uri: str
    format: str
    version: str
    files: int
    bytes: int
    left_out: list[LeftOut] = []


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the checks. `rules` has every rule that failed on at least one row, with its count of rows."""

    schema: str
    policy: str
    rows_checked: int
    rows_failed: int
    rules: dict[str, int] = {}
    quarantine_uri: str | None = None


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What became visible to readers.

    Attributes:
        version: the Delta table's version, or the manifest's.
        adopted_from: the uid of an earlier attempt whose commit of the same content this run adopted instead of
            publishing it again.
    """

    uri: str
    format: str
    mode: str
    version: int
    rows: int
    bytes: int
    files: int
    adopted_from: str | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that an attempt used.

    Attributes:
        memory_peak_bytes: highest resident memory of the worker's child, as the kernel counted it.
        cgroup_peak_bytes: highest charge of the worker's cgroup where it has one of its own; includes page cache.
        memory_limit_bytes: its limit.
        first_line_seconds: from the supervisor's start to the first line of the job's own code.
    """

    wall_seconds: float
    cpu_seconds: float
    memory_peak_bytes: int
    memory_limit_bytes: int
    cgroup_peak_bytes: int | None = None
    first_line_seconds: float | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt read, published and cost, or why it did not.

    Attributes:
        status: `interrupted` means that it stopped on request, which does not mean that the run is wrong.
        verdict: the worker's verdict. The launcher may know better (a lost node leaves none).
        fingerprint: of what was actually read; empty where the attempt ended before it was known.
    """

    protocol: Version = PROTOCOL
    job: str
    run_key: RunKey
    attempt: Attempt
    status: Literal["succeeded", "failed", "interrupted"]
    verdict: Verdict
    params: dict[str, Value]
    code_version: str
    plane: str
    fingerprint: str = ""
    inputs: dict[str, InputUse] = {}
    checks: CheckResult | None = None
    published: Published | None = None
    usage: Usage
    started_at: dt.datetime
    finished_at: dt.datetime
    engine: dict[str, str] = {}
    labels: dict[str, str] = {}

    def summary(self) -> dict[str, object]:
        """The main facts, for places with little space: an XCom, a termination message."""
        facts: dict[str, object] = {
            "job": self.job,
            "run_key": self.run_key,
            "attempt": self.attempt.number,
            "uid": self.attempt.uid,
            "status": self.status,
            "category": str(self.verdict.category),
            "memory_peak_bytes": self.usage.memory_peak_bytes,
            "wall_seconds": round(self.usage.wall_seconds, 3),
        }
        if self.published:
            facts |= {
                "uri": self.published.uri,
                "version": self.published.version,
                "rows": self.published.rows,
            }
        if self.checks and self.checks.rows_failed:
            facts["rows_failed"] = self.checks.rows_failed
        return facts
