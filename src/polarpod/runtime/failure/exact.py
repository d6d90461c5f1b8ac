"""What `runtime/exact.py` refuses while rows pass. Asked before Polars' words for a failed expression are."""

from __future__ import annotations

import re

from polarpod.contract.verdict import Category
from polarpod.runtime.exact import MARK, REMEDIES
from polarpod.runtime.failure.rule import Rule

EXACT = [
    Rule(
        Category.INPUT_MISMATCH,
        "{words}",
        remedy,
        text=rf"failed in column '{MARK}(?P<words>.+? {re.escape(what)})' for \d+ out of",
    )
    for what, remedy in REMEDIES.items()
]
