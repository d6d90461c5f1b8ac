"""Derives the verdict of a child's end from the outside: a pure function of the facts that the kernel reports."""

from __future__ import annotations

import os
import signal
from typing import Literal, NamedTuple

from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import MORE_MEMORY, Category, Verdict
from polarpod.runtime.progress import Phase

# An allocator that is refused memory aborts the process; near the limit this is more likely than a bug.
_NEAR_LIMIT = 0.9


class Ending(NamedTuple):
    """The facts about a child that has ended.

    Attributes:
        status: the wait status.
        stop_reason: why the supervisor requested a stop, or None.
        oom_killed: whether a memory limit killed it: the kernel counted an OOM kill, or the supervisor sent SIGKILL.
        module: the job's module, which is imported during load.
    """

    status: int
    cpu_seconds: float
    stop_reason: Category | None
    oom_killed: bool
    phase: Phase
    memory_peak_bytes: int
    memory_limit_bytes: int
    module: str = ""


def judge_child(ending: Ending, own: Verdict | None) -> Verdict:
    """Returns the child's own verdict where it is reliable, else one derived from its end.

    A child that received a stop request reports an interruption; only the supervisor knows whether the deadline caused it.
    A child that published before the request arrived reports success.
    """
    code = os.waitstatus_to_exitcode(ending.status)
    if own and own.succeeded and code == 0:
        return own
    if ending.stop_reason is Category.DEADLINE_EXCEEDED:
        return _deadline(ending)
    if ending.oom_killed:
        return out_of_memory(ending.memory_peak_bytes, ending.memory_limit_bytes, ending.phase.name.lower())
    if ending.stop_reason is Category.INTERRUPTED:
        return _interrupted(ending)
    if own and not own.succeeded:
        return own
    if code < 0:
        return _killed(ending, -code)
    return Verdict(
        category=Category.JOB_CRASHED,
        summary=f"the worker ended with exit code {code} without a word",
        evidence=[_during(ending), _memory(ending)],
        remedy="Look for os._exit or a native library that exits in the job's code; the log above may say more.",
    )


def out_of_memory(peak: int, limit: int, phase: str) -> Verdict:
    """Returns the verdict for a worker that needed more memory than it had. The launcher uses it too, from a heartbeat."""
    return Verdict(
        category=Category.OUT_OF_MEMORY,
        summary=f"the worker needed more than its {format_bytes(limit)} of memory",
        evidence=[f"peak {format_bytes(peak)} of {format_bytes(limit)}, during {phase}"],
        remedy=MORE_MEMORY,
    )


def status_of(verdict: Verdict) -> Literal["succeeded", "failed", "interrupted"]:
    if verdict.succeeded:
        return "succeeded"
    return "interrupted" if verdict.category is Category.INTERRUPTED else "failed"


def _killed(ending: Ending, number: int) -> Verdict:
    try:
        name = signal.Signals(number).name
    except ValueError:  # real-time signals have numbers only
        name = f"signal {number}"
    near = ending.memory_peak_bytes >= ending.memory_limit_bytes * _NEAR_LIMIT
    if number == signal.SIGABRT and near:
        return out_of_memory(ending.memory_peak_bytes, ending.memory_limit_bytes, ending.phase.name.lower())
    if number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        return Verdict(
            category=Category.WORKER_LOST,
            summary=f"the worker was killed from outside ({name})",
            evidence=[_during(ending), _memory(ending)],
            remedy="Nothing was published by this attempt, or the next one will find it: run it again.",
        )
    return Verdict(
        category=Category.JOB_CRASHED,
        summary=f"the worker crashed ({name})",
        evidence=[_during(ending), _memory(ending)],
        remedy="A native library failed: the log above has its last words. Try a smaller input to narrow it down.",
    )


def _deadline(ending: Ending) -> Verdict:
    return Verdict(
        category=Category.DEADLINE_EXCEEDED,
        summary="the run did not end before its deadline",
        evidence=[_during(ending), _memory(ending)],
        remedy="Raise `deadline_seconds` in @job, give it more cpu, or read less in one run.",
    )


def _interrupted(ending: Ending) -> Verdict:
    return Verdict(
        category=Category.INTERRUPTED,
        summary="the run was asked to stop, and stopped",
        evidence=[_during(ending), _memory(ending)],
        remedy="Run it again; it continues from what is published.",
    )


def _during(ending: Ending) -> str:
    phase = f"during {ending.phase.name.lower()}"
    loading = ending.phase is Phase.LOAD and ending.module
    return f"{phase}, while the job module {ending.module!r} was imported" if loading else phase


def _memory(ending: Ending) -> str:
    return f"peak {format_bytes(ending.memory_peak_bytes)} of {format_bytes(ending.memory_limit_bytes)}"
