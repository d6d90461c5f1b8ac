"""The size of the next attempt, and the reason for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from polarpod.contract.resources import MIB, Resources, format_bytes
from polarpod.contract.verdict import Budget, Category, Verdict, budget_of

# A peak that was cut off by its limit is less than the need; such runs were observed to lack a quarter more.
_HEADROOM = 1.25


class Past(NamedTuple):
    """The end, memory limit and peak of an earlier attempt."""

    category: Category
    memory_limit_bytes: int
    memory_peak_bytes: int


class Success(NamedTuple):
    """Memory limit and peak of a successful attempt of the job, whatever its parameters and code."""

    memory_limit_bytes: int
    memory_peak_bytes: int

    @property
    def need_bytes(self) -> int:
        """The memory that would have been enough, in bytes: its peak with headroom, and never more than its limit.

        Without that bound a job that uses all of its limit would get more each time.
        """
        return min(self.memory_limit_bytes, int(self.memory_peak_bytes * _HEADROOM))


class Size(NamedTuple):
    """The decision on a size.

    Attributes:
        resources: of the next attempt.
        reason: the text for `polarpod plan`.
        stop: the verdict where no allowed size can help; no worker should be started then.
    """

    resources: Resources
    reason: str
    stop: Verdict | None = None


def tells_need(past: Past) -> bool:
    """Whether an end is evidence of how much memory the run needs: an end caused by the platform is not."""
    return budget_of(past.category) is not Budget.PLATFORM


def size(
    declared: Resources,
    past: Sequence[Past],
    *,
    growth: float,
    cap_bytes: int | None,
    successes: Sequence[Success] = (),
) -> Size:
    """The next attempt's size.

    After an out-of-memory end: max(limit x growth, measured peak x headroom), at most the cap. Else what the job's last
    successes needed, where that is more than declared: after a run that has grown, the next day's run need not fail first.

    Args:
        past: earlier attempts of the same run with the same code, newest first.
        successes: the last ones of the job, of any run.
        growth: the plane's factor.
        cap_bytes: the most the plane allows.
    """
    last = next(filter(tells_need, past), None)
    learned = _whole(max((success.need_bytes for success in successes), default=0))
    if last is None or last.category is not Category.OUT_OF_MEMORY:
        if learned > declared.memory_bytes:
            return _learned(declared, learned, successes, cap_bytes)
        return _declared(declared, cap_bytes)
    grown = _whole(int(max(last.memory_limit_bytes * growth, last.memory_peak_bytes * _HEADROOM)))
    wanted = max(declared.memory_bytes, grown, learned)
    given = min(wanted, cap_bytes) if cap_bytes is not None else wanted
    why = f"out of memory at {format_bytes(last.memory_limit_bytes)} (peak {format_bytes(last.memory_peak_bytes)})"
    if given <= last.memory_limit_bytes:
        return Size(
            declared,
            why,
            Verdict(
                category=Category.OUT_OF_MEMORY,
                summary="the run is out of memory, and more is not allowed",
                evidence=[why, f"the plane's max_memory is {format_bytes(cap_bytes)}"],
                remedy="Raise max_memory of the plane, read less in one run, or make the job need less: fewer columns, "
                "a smaller build side of a join, no full sort.",
            ),
        )
    capped = f", capped by max_memory from {format_bytes(wanted)}" if given < wanted else ""
    return Size(msgspec.structs.replace(declared, memory_bytes=given), f"{why}: x{growth:g}{capped}")


def _whole(amount: int) -> int:
    """Bytes, rounded up to whole mebibytes."""
    return -(-amount // MIB) * MIB


def _learned(declared: Resources, learned: int, successes: Sequence[Success], cap_bytes: int | None) -> Size:
    given = min(learned, cap_bytes) if cap_bytes is not None else learned
    if given <= declared.memory_bytes:
        return _declared(declared, cap_bytes)
    peak = format_bytes(max(success.memory_peak_bytes for success in successes))
    among = f"the last {len(successes)} successes of the job" if len(successes) > 1 else "the last success of the job"
    reason = f"{among} peaked at up to {peak}; declared are {format_bytes(declared.memory_bytes)}"
    return Size(msgspec.structs.replace(declared, memory_bytes=given), reason)


def _declared(declared: Resources, cap_bytes: int | None) -> Size:
    if cap_bytes is not None and declared.memory_bytes > cap_bytes:
        return Size(
            declared,
            "declared in @job",
            Verdict(
                category=Category.REQUEST_INVALID,
                summary=f"the job asks for {format_bytes(declared.memory_bytes)}; the plane has {format_bytes(cap_bytes)}",
                evidence=["memory in @job, max_memory in the planes file"],
                remedy="Ask for less, or raise max_memory of the plane.",
            ),
        )
    return Size(declared, "declared in @job")
