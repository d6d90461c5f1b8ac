"""One row of a table: what an error looks like, and the verdict it means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from polarpod.contract.verdict import Category

# Where something is read, and where something is written that others can see.
READING = ("starting", "load", "scan", "transform", "stage", "check")
PUBLISHING = ("publish", "receipt", "done")


class Failure(NamedTuple):
    """An exception as rules see it.

    Attributes:
        kinds: `module.name` of its type and every base.
        text: its words in one piece, cleaned of terminal colours.
        phase: what the run was doing.
    """

    kinds: tuple[str, ...]
    text: str
    phase: str


class Finding(NamedTuple):
    """What a rule makes of a failure."""

    category: Category
    summary: str
    remedy: str


class Rule(NamedTuple):
    """A rule holds when all it names holds; what it leaves out holds always.

    Attributes:
        summary: what happened; may name groups of the pattern in braces.
        remedy: what to do now.
        text: a regular expression, searched in the failure's text.
        kinds: types, by `module.name`; subclasses count.
        phases: what the run was doing.
    """

    category: Category
    summary: str
    remedy: str
    text: str = ""
    kinds: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()

    def apply(self, failure: Failure) -> Finding | None:
        if self.phases and failure.phase not in self.phases:
            return None
        if self.kinds and not set(self.kinds) & set(failure.kinds):
            return None
        match = re.search(self.text, failure.text, re.DOTALL)
        if match is None:
            return None
        return Finding(self.category, self.summary.format(**match.groupdict(default="?")), self.remedy)


def first(rules: Iterable[Rule], failure: Failure) -> Finding | None:
    """What the first rule that holds says."""
    return next((finding for rule in rules if (finding := rule.apply(failure))), None)
