"""How big the next attempt is, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from polarpod.contract.resources import MIB, Resources, format_bytes
from polarpod.contract.verdict import Budget, Category, Verdict, budget_of

# A peak that was cut off by its limit is less than the need; a quarter more is what such runs were seen to lack.
_HEADROOM = 1.25


class Past(NamedTuple):
    """What an earlier attempt had and used."""

    category: Category
    memory_limit_bytes: int
    memory_peak_bytes: int


class Size(NamedTuple):
    """A decision.

    Attributes:
        resources: what the next attempt gets.
        reason: why, in words for `polarpod plan`.
        stop: the verdict where no size within reach can help; nothing should be started then.
    """

    resources: Resources
    reason: str
    stop: Verdict | None = None


def size(declared: Resources, past: Sequence[Past], *, growth: float, cap_bytes: int | None) -> Size:
    """The next attempt's size.

    After an out-of-memory end: max(limit x growth, measured peak x headroom), at most the cap.

    Args:
        past: earlier attempts of the same run with the same code, newest first.
        growth: the plane's factor.
        cap_bytes: the most the plane allows.
    """
    # what the platform did says nothing about how much memory the run needs
    last = next((attempt for attempt in past if budget_of(attempt.category) is not Budget.PLATFORM), None)
    if last is None or last.category is not Category.OUT_OF_MEMORY:
        return _declared(declared, cap_bytes)
    grown = int(max(last.memory_limit_bytes * growth, last.memory_peak_bytes * _HEADROOM))
    wanted = max(declared.memory_bytes, -(-grown // MIB) * MIB)
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
