"""Refuses a transform with silently wrong arithmetic: decimals that are rounded in every row, integers that wrap."""

from __future__ import annotations

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.polars.guards import decimal_guard, integer_guard
from polarpod.runtime.engines.polars.guards.decimal_guard import rounding_in
from polarpod.runtime.engines.polars.guards.integer_guard import wrapping_in
from polarpod.runtime.engines.polars.guards.logical_plan import read_plan

# The most expressions in the evidence; a few show a systematic mistake.
_SHOWN = 10


def check(lf: pl.LazyFrame) -> None:
    """Reads the plan once without running it. A plan that cannot be read is skipped.

    Raises:
        PolarpodError: `decimal_rounding` or `integer_overflow`, with the expressions.
    """
    rounding, wrapping = read_plan(lf, lambda plan: (rounding_in(plan), wrapping_in(plan))) or ([], [])
    if rounding:
        raise PolarpodError(
            Category.DECIMAL_ROUNDING,
            "the job multiplies or divides decimals in a way that rounds every row",
            evidence=rounding[:_SHOWN],
            remedy=decimal_guard.REMEDY,
        )
    if wrapping:
        raise PolarpodError(
            Category.INTEGER_OVERFLOW,
            "the job computes with integers that can leave their type, and Polars wraps them silently",
            evidence=wrapping[:_SHOWN],
            remedy=integer_guard.REMEDY,
        )
