"""What the child hands to the supervisor when it ends by itself: the receipt's facts, without what only an observer of
the process can know (its peak, its processor time)."""

from __future__ import annotations

import msgspec

from polarpod.contract.receipt import CheckResult, InputUse, Published
from polarpod.contract.verdict import Category, Verdict


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The child's own account of how it ended."""

    verdict: Verdict
    fingerprint: str = ""
    inputs: dict[str, InputUse] = {}
    checks: CheckResult | None = None
    published: Published | None = None
    engine: dict[str, str] = {}


def encode(outcome: Outcome) -> bytes:
    """The outcome as JSON. A part that no document can hold is left out: the ending itself must arrive."""
    try:
        return msgspec.json.encode(outcome)
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        kept = {name: value for name in outcome.__struct_fields__ if _fits(value := getattr(outcome, name))}
        return msgspec.json.encode(Outcome(**{"verdict": _UNTOLD, **kept}))


_UNTOLD = Verdict(
    category=Category.INTERNAL_ERROR,
    summary="the worker ended in a way that it could not write down",
    remedy="Run it again; a run that has published is found by its table.",
)


def _fits(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        return False
    return True
