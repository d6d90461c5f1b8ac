"""The child's report to the supervisor when it ends by itself: the facts of the receipt, without those that only an observer
of the process knows (its memory peak, its CPU time)."""

from __future__ import annotations

import msgspec

from polarpod.contract.receipt import CheckResult, InputUse, Published
from polarpod.contract.verdict import Category, Verdict


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The child's report of its own end."""

    verdict: Verdict
    fingerprint: str = ""
    inputs: dict[str, InputUse] = {}
    checks: CheckResult | None = None
    published: Published | None = None
    engine: dict[str, str] = {}


def encode(outcome: Outcome) -> bytes:
    """Returns the outcome as JSON. Fields that JSON cannot hold are left out, so that the rest arrives."""
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
