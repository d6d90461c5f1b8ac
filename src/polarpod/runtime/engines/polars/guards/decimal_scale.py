"""The number of decimal places that an expression's values can have, as far as the plan proves it.

A type is less precise: `pl.col("price").cast(pl.Decimal(38, 4))` allows four places, but from Decimal(15, 2) its values have
two. Every result is an upper bound: an unknown one can cause a false alarm, never a missed one.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import polars as pl

from polarpod.runtime.engines.polars.guards.bound import KEEPING_AGGREGATIONS, KEEPING_FUNCTIONS, KEEPING_PARTS, Bounds
from polarpod.runtime.engines.polars.guards.expression_text import sign_of
from polarpod.runtime.engines.polars.guards.logical_plan import Place

# More places than any Decimal has: a float or a text may have any number of places.
_UNKNOWN = 99

# Sums and differences have no more places than their operands.
_FUNCTIONS = KEEPING_FUNCTIONS | {
    "abs", "cum_sum", "diff", "negate", "sum_horizontal", "ListFunction.Sum", "RollingFunction.Sum",
}  # fmt: skip
_AGGREGATIONS = KEEPING_AGGREGATIONS | {"sum"}
_PARTS = KEEPING_PARTS | {"Cast": ("expr",)}
# The mapping of a replacement may be long; above this length the scale of its type counts.
_LITERALS_LOOKED_AT = 10_000


class Scales(Bounds[int]):
    """The most decimal places that values can have."""

    def declared(self, dtype: pl.DataType | None) -> int:
        if isinstance(dtype, pl.Decimal):
            return dtype.scale
        return 0 if dtype is not None and dtype.is_integer() else _UNKNOWN

    def around(self, bounds: Iterable[int]) -> int:
        return max(bounds, default=_UNKNOWN)

    def within(self, one: int, other: int) -> int:
        return min(one, other)

    def computed(self, place: Place, view: Any, depth: int, field: str | None) -> int:
        kind = type(view).__name__
        if kind == "Literal":
            return places(view.value)
        if kind == "BinaryExpr":
            left, right = (self.of(place._replace(expression=part), depth) for part in (view.left, view.right))
            sign = sign_of(view)
            return left + right if sign == "*" else max(left, right) if sign in ("+", "-", "%") else _UNKNOWN
        most, parts = _bounded(kind, view)
        return min(most, self.parts(place, parts, depth, field))


def _bounded(kind: str, view: Any) -> tuple[int, list[int]]:
    """Returns the expression's own bound (`round` has one) and the parts whose values it passes on."""
    if kind == "Agg" and view.name in _AGGREGATIONS:
        return _UNKNOWN, list(view.arguments)
    if kind == "Function" and view.function_data[0] == "round":
        return int(view.function_data[1]), list(view.input)
    if kind == "Function" and str(view.function_data[0]) in _FUNCTIONS:
        return _UNKNOWN, list(view.input)
    return _UNKNOWN, [getattr(view, name) for name in _PARTS.get(kind, ())]


def places(value: object) -> int:
    """Returns the decimal places that a literal uses: 2.00 has none; for a list, the most of its literals."""
    if value is None:
        return 0
    if isinstance(value, list) and len(value) <= _LITERALS_LOOKED_AT:
        return max((places(each) for each in value), default=0)
    if isinstance(value, int):
        return 0
    if not isinstance(value, Decimal) or not value.is_finite():
        return _UNKNOWN
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else _UNKNOWN
