"""One row of a rule table: the pattern of an error and its verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from polarpod.contract.verdict import Category

# The phases that read inputs, and those whose writes are visible to readers.
READING = ("starting", "load", "scan", "transform", "stage", "check")
PUBLISHING = ("publish", "receipt", "done")


class Failure(NamedTuple):
    """The parts of an exception that rules match.

    Attributes:
        kinds: `module.name` of its type and every base.
        text: its full message, without terminal colours.
        phase: the phase of the run.
    """

    kinds: tuple[str, ...]
    text: str
    phase: str


class Finding(NamedTuple):
    """The result of a rule that matches a failure."""

    category: Category
    summary: str
    remedy: str


class Rule(NamedTuple):
    """A rule matches where all its conditions hold; an empty condition always holds.

    Attributes:
        summary: what happened; may name groups of the pattern in braces.
        remedy: what the user should do.
        text: a regular expression, searched in the failure's text.
        kinds: types, by `module.name`; subclasses count.
        phases: the phases in which the rule applies.
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
    """Returns the finding of the first rule that matches, or None."""
    return next((finding for rule in rules if (finding := rule.apply(failure))), None)
