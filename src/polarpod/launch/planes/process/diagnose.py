"""The verdict on an attempt, from its exit status, last message and receipt. Pure."""

from __future__ import annotations

import signal
from typing import NamedTuple

from polarpod.contract.message import Message, last_heard
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import MORE_MEMORY, Category, Verdict, exit_code_of

_CATEGORY_OF_CODE = {exit_code_of(category): category for category in Category if exit_code_of(category)}


class Exit(NamedTuple):
    """The end of a worker's process.

    Attributes:
        code: exit code, or minus the number of the signal that killed it.
        oom_killed: whether the kernel counted an out-of-memory kill in the worker's cgroup.
        deadline_passed: whether the launcher had to end it for its deadline.
        stop_requested: whether this launcher received a stop request.
        memory_limit_bytes: its memory limit.
    """

    code: int
    oom_killed: bool
    deadline_passed: bool
    stop_requested: bool
    memory_limit_bytes: int


def judge(end: Exit, message: Message | None, receipt: Receipt | None, *, uid: str) -> Verdict:
    """The verdict on one attempt.

    A committed receipt of this very attempt is the only proof of success, and it is enough: a worker killed after
    writing it has succeeded. Without one no exit code is a success.
    """
    if receipt is not None and receipt.attempt.uid == uid:
        return _told(end, receipt)
    if message is not None and message.uid != uid:
        message = None
    seen = _seen(end, message)
    if end.oom_killed:
        peak = format_bytes(max(message.memory_peak_bytes, 0)) if message else "unknown"
        return Verdict(
            category=Category.OUT_OF_MEMORY,
            summary=f"the worker needed more than its {format_bytes(end.memory_limit_bytes)} of memory",
            evidence=[f"last measured peak {peak}", *seen],
            remedy=MORE_MEMORY,
        )
    if end.deadline_passed:
        return Verdict(
            category=Category.DEADLINE_EXCEEDED,
            summary="the run did not end before its deadline",
            evidence=seen,
            remedy="Raise `deadline_seconds` in @job, give it more cpu, or read less in one run.",
        )
    if end.stop_requested:
        return Verdict(
            category=Category.INTERRUPTED,
            summary="the run was asked to stop, and stopped",
            evidence=seen,
            remedy="Run it again; it continues from what is published.",
        )
    if end.code == 0:
        return Verdict(
            category=Category.RECEIPT_MISSING,
            summary="the worker ended well but left no receipt",
            evidence=seen,
            remedy="Run it again: what it published is adopted. Check that worker and launcher use one state store.",
        )
    if _CATEGORY_OF_CODE.get(end.code) is Category.INTERRUPTED:
        return _ended_from_outside(seen)
    if end.code < 0:
        return Verdict(
            category=Category.WORKER_LOST,
            summary=f"the worker was killed from outside ({_signal_name(-end.code)})",
            evidence=seen,
            remedy="Nothing was published by this attempt, or the next one will find it: run it again.",
        )
    category = _CATEGORY_OF_CODE.get(end.code, Category.WORKER_LOST)
    return Verdict(
        category=category,
        summary=f"the worker ended with exit code {end.code} ({category}) before it could write a receipt",
        evidence=seen,
        remedy="Its log says more.",
    )


def _told(end: Exit, receipt: Receipt) -> Verdict:
    """The verdict from a receipt. A worker that was stopped cannot know by whom; this launcher knows its own requests."""
    if receipt.verdict.category is not Category.INTERRUPTED or end.stop_requested or end.deadline_passed:
        return receipt.verdict
    return _ended_from_outside([f"the worker said: {receipt.verdict.summary}", *receipt.verdict.evidence])


def _ended_from_outside(seen: list[str]) -> Verdict:
    return Verdict(
        category=Category.WORKER_LOST,
        summary="the worker was ended from outside, by a signal",
        evidence=["this launcher did not ask it to stop", *seen],
        remedy="Run it again: what it published, if anything, is adopted. Look for who ends processes on this machine: a "
        "shutdown, a service manager, a person.",
    )


def _seen(end: Exit, message: Message | None) -> list[str]:
    seen = [f"exit code {end.code}" if end.code >= 0 else f"killed by {_signal_name(-end.code)}", "no receipt"]
    if message:
        seen.append(last_heard(message))
    return seen


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have numbers only
        return f"signal {number}"
