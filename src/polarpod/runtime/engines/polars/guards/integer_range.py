"""The range of an integer expression's values, as far as the plan proves it.

Every result contains all values, under two assumptions that hold for real data: no column has 2^31 rows or more, and no date
has a year of more than four digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import polars as pl

from polarpod.runtime.engines.polars.guards.bound import KEEPING_AGGREGATIONS, KEEPING_FUNCTIONS, KEEPING_PARTS, Bounds
from polarpod.runtime.engines.polars.guards.expression_text import sign_of
from polarpod.runtime.engines.polars.guards.logical_plan import Place

MOST_ROWS = 2**31 - 1
# The option of pl.Expr.cast(..., wrap_numerical=True) in a plan.
WRAPPING_CAST = 2
_BITS: dict[type[pl.DataType], int] = {
    pl.Int8: 8, pl.Int16: 16, pl.Int32: 32, pl.Int64: 64, pl.Int128: 128,
    pl.UInt8: 8, pl.UInt16: 16, pl.UInt32: 32, pl.UInt64: 64, pl.UInt128: 128,
}  # fmt: skip


class Range(NamedTuple):
    """The least and the greatest value, both inclusive."""

    least: int
    greatest: int

    def holds(self, other: Range) -> bool:
        return self.least <= other.least and other.greatest <= self.greatest

    def times(self, other: Range) -> Range:
        ends = [one * two for one in self for two in other]
        return Range(min(ends), max(ends))

    def total(self, count: int) -> Range:
        """Returns the range of a sum of 0 to `count` values of this range."""
        return Range(min(0, self.least * count), max(0, self.greatest * count))


# Wider than any integer type.
ANY = Range(-(2**200), 2**200)
_COUNT = Range(0, MOST_ROWS)
_OF_FUNCTIONS = {
    "null_count": _COUNT, "cum_count": _COUNT, "rank": Range(1, MOST_ROWS), "rle_id": _COUNT,
    "TemporalFunction.Year": Range(-9999, 9999), "TemporalFunction.IsoYear": Range(-9999, 9999),
    "TemporalFunction.Quarter": Range(1, 4), "TemporalFunction.Month": Range(1, 12), "TemporalFunction.Week": Range(1, 53),
    "TemporalFunction.WeekDay": Range(1, 7), "TemporalFunction.Day": Range(1, 31),
    "TemporalFunction.OrdinalDay": Range(1, 366),
    "TemporalFunction.Hour": Range(0, 23), "TemporalFunction.Minute": Range(0, 59), "TemporalFunction.Second": Range(0, 59),
    "TemporalFunction.Millisecond": Range(0, 10**3 - 1), "TemporalFunction.Microsecond": Range(0, 10**6 - 1),
    "TemporalFunction.Nanosecond": Range(0, 10**9 - 1),
}  # fmt: skip
_COUNTING_AGGREGATIONS = {"count", "len", "n_unique", "null_count"}


def type_range(dtype: pl.DataType | None) -> Range | None:
    """Returns the full range of an integer type; None for any other type."""
    bits = _BITS.get(type(dtype)) if dtype is not None else None
    if dtype is None or bits is None:
        return None
    return Range(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dtype.is_signed_integer() else Range(0, 2**bits - 1)


class Ranges(Bounds[Range]):
    """The range of each expression's values; ANY for types other than integers."""

    def declared(self, dtype: pl.DataType | None) -> Range:
        return Range(0, 1) if isinstance(dtype, pl.Boolean) else type_range(dtype) or ANY

    def around(self, bounds: Iterable[Range]) -> Range:
        found = list(bounds)
        return Range(min(each.least for each in found), max(each.greatest for each in found)) if found else ANY

    def within(self, one: Range, other: Range) -> Range:
        # A value beyond one end of a type wraps to its other end.
        return other if one.holds(other) else one

    def computed(self, place: Place, view: Any, depth: int, field: str | None) -> Range:
        kind = type(view).__name__
        if kind == "Literal":
            return _of_literal(view.value)
        if kind == "Len" or (kind == "Agg" and view.name in _COUNTING_AGGREGATIONS):
            return _COUNT
        if exact := self.exact(place, view, depth):
            return exact
        if kind == "Cast":
            return self._cast(place, view, depth)
        name = str(view.function_data[0]) if kind == "Function" else ""
        if name in _OF_FUNCTIONS:
            return _OF_FUNCTIONS[name]
        parts: list[int] = [getattr(view, part) for part in KEEPING_PARTS.get(kind, ())]
        if name == "fill_null_with_strategy":
            # Some strategies fill in 0 or 1.
            return self.around([self.parts(place, view.input, depth, field), Range(0, 1)])
        if name in KEEPING_FUNCTIONS:
            parts = list(view.input)
        if kind == "Agg" and view.name in KEEPING_AGGREGATIONS:
            parts = list(view.arguments)
        return self.parts(place, parts, depth, field)

    def exact(self, place: Place, view: Any, depth: int) -> Range | None:
        """Returns the range of the values in unbounded integers; None for anything but arithmetic."""
        kind, sign = type(view).__name__, sign_of(view)
        if kind == "BinaryExpr" and sign:
            left, right = (self.of(place._replace(expression=part), depth) for part in (view.left, view.right))
            return _combined(sign, left, right)
        if kind == "Agg" and view.name == "sum":
            return self.parts(place, view.arguments, depth).total(MOST_ROWS)
        name = str(view.function_data[0]) if kind == "Function" else ""
        if name == "RollingFunction.Sum":
            return self.parts(place, view.input, depth).total(int(view.function_data[1]))
        if name in ("cum_sum", "ListFunction.Sum", "ArrayFunction.Sum"):
            return self.parts(place, view.input, depth).total(MOST_ROWS)
        if name == "sum_horizontal":
            return self.parts(place, view.input, depth).total(len(view.input))
        if name == "pow":
            base, exponent = (self.of(place._replace(expression=part), depth) for part in view.input)
            return _power(base, exponent)
        return None

    def _cast(self, place: Place, view: Any, depth: int) -> Range:
        inner, target = self.of(place._replace(expression=view.expr), depth), self.declared(view.dtype)
        if target.holds(inner) or view.options == WRAPPING_CAST:
            return inner if target.holds(inner) else target
        # A strict cast raises for a value that does not fit; any other cast returns null.
        return Range(max(inner.least, target.least), min(inner.greatest, target.greatest))


def _of_literal(value: object) -> Range:
    if isinstance(value, list):
        found = [_of_literal(each) for each in value if each is not None]
        return Range(min(each.least for each in found), max(each.greatest for each in found)) if found else Range(0, 0)
    if value is None:
        return Range(0, 0)
    return Range(value, value) if isinstance(value, int) else ANY


def _combined(sign: str, left: Range, right: Range) -> Range:
    if ANY in (left, right):
        return ANY
    if sign == "+":
        return Range(left.least + right.least, left.greatest + right.greatest)
    if sign == "-":
        return Range(left.least - right.greatest, left.greatest - right.least)
    if sign == "*":
        return left.times(right)
    if sign == "//" and right.least > 0:
        ends = [end // divisor for end in left for divisor in right]
        return Range(min(ends), max(ends))
    if sign == "%" and right.least > 0:
        return Range(min(0, 1 - right.greatest) if left.least < 0 else 0, right.greatest - 1)
    return ANY


def _power(base: Range, exponent: Range) -> Range:
    # With a larger exponent, every base except -1, 0 and 1 exceeds all types.
    if ANY in (base, exponent) or exponent.least < 0 or exponent.greatest > 128:  # bits of the widest type
        return ANY
    ends = [end**times for end in (*base, 0) for times in exponent]
    return Range(min(ends), max(ends))
