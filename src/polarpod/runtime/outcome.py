"""What the child hands to the supervisor when it ends by itself: the receipt's facts, without what only an observer of
the process can know (its peak, its processor time)."""

from __future__ import annotations

import msgspec

from polarpod.contract.receipt import CheckResult, InputUse, Published
from polarpod.contract.verdict import Verdict


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The child's own account of how it ended."""

    verdict: Verdict
    fingerprint: str = ""
    inputs: dict[str, InputUse] = {}
    checks: CheckResult | None = None
    published: Published | None = None
    engine: dict[str, str] = {}
