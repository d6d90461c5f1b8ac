"""Finds integer arithmetic that can overflow its type, before any row is read.

Polars wraps silently: a sum of Int32 is an Int32, so 2,000,000,000 twice is -294,967,296; a month * 100 is an Int8; a
count - 1 is a UInt32, and 4,294,967,295 for a count of 0. Spark, DuckDB and SQL widen a sum or fail.

Overflows that real data reaches are refused, unless the plan proves them impossible:
- sums (also running, rolling and of lists), products and powers of a type of up to 32 bits,
- differences of unsigned integers below zero,
- sums and differences of two values of 8 or 16 bits.

Not checked: 64 bits and more, where only extreme values wrap; `+` and `-` of 32 bits, likewise; `product()` and `cum_prod`
(Int64), durations, negation and `abs` of a type's least value. Not visible in a plan: `list.eval`, `struct.with_fields` and
Python functions.
A cast to the expression's own type with wrap_numerical=True declares wrapping as intended, for all arithmetic right below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from polarpod.runtime.engines.polars.guards.bound import DEPTH
from polarpod.runtime.engines.polars.guards.expression_text import dtype_text, expression_text, sign_of
from polarpod.runtime.engines.polars.guards.integer_range import ANY, WRAPPING_CAST, Range, Ranges, type_range
from polarpod.runtime.engines.polars.guards.logical_plan import Place, Plan, read_plan

REMEDY: Final = (
    'Cast before you compute: pl.col("sales").cast(pl.Int64).sum(), pl.len().cast(pl.Int64) - 1; a cast of the result comes '
    "too late. Where wrapping is meant, say so directly behind it: .cast(pl.Int32, wrap_numerical=True)."
)

_SMALL = {pl.Int8, pl.Int16, pl.UInt8, pl.UInt16}
_NARROW = {*_SMALL, pl.Int32, pl.UInt32}
_SUMS = {"cum_sum", "ListFunction.Sum", "ArrayFunction.Sum", "RollingFunction.Sum"}
_COUNTS = {"count", "len", "n_unique", "null_count"}


def wrapping_integers(lf: pl.LazyFrame) -> list[str]:
    """Returns a description of each integer sum, product or difference that can overflow: its text, and the type's limit.

    The plan is not run. A plan, or a part of it, that cannot be read is skipped.
    """
    return read_plan(lf, wrapping_in) or []


def wrapping_in(plan: Plan) -> list[str]:
    """As `wrapping_integers`, for a plan from `read_plan`."""
    ranges = Ranges(plan)
    everything = list(plan.expressions())
    meant = {place for each in everything for place in _meant(plan, each)}
    found = (_finding(ranges, place) for place in everything if place not in meant)
    return list(dict.fromkeys(text for text in found if text))


def _meant(plan: Plan, place: Place) -> Iterator[Place]:
    """Yields the arithmetic directly below a cast with wrap_numerical=True."""
    view = plan.view(place.expression)
    if type(view).__name__ != "Cast" or view is None or view.options != WRAPPING_CAST:
        return
    if plan.dtype(place) != plan.dtype(place._replace(expression=view.expr)):
        # A cast to a wider type cannot wrap, and Polars marks every such cast as wrapping.
        return
    waiting: list[int] = [view.expr]
    while waiting:
        below = place._replace(expression=waiting.pop())
        if _what(plan, below):
            yield below
            waiting += plan.parts(below.expression)


def _finding(ranges: Ranges, place: Place) -> str:
    plan = ranges.plan
    dtype = plan.dtype(place)
    room = type_range(dtype)
    what = _what(plan, place)
    if room is None or dtype is None or not what or not _looked_at(what, dtype):
        return ""
    view = plan.view(place.expression)
    exact = ranges.exact(place, view, DEPTH)
    if exact is None or room.holds(exact) or (what == "-" and _is_rest_of_count(ranges, place, view)):
        return ""
    return f"{expression_text(plan, place.expression)}: {_words(what, dtype, exact, room)}"


def _what(plan: Plan, place: Place) -> str:
    """Returns "+", "-", "*", "sum" or "pow"; "" for an expression that cannot wrap."""
    view = plan.view(place.expression)
    kind = type(view).__name__
    if kind == "BinaryExpr":
        return sign if (sign := sign_of(view)) in ("+", "-", "*") else ""
    if kind == "Agg" and view is not None and view.name == "sum":
        return "sum"
    name = str(view.function_data[0]) if kind == "Function" and view is not None else ""
    return "sum" if name in _SUMS else "pow" if name == "pow" else "+" if name == "sum_horizontal" else ""


def _looked_at(what: str, dtype: pl.DataType) -> bool:
    """Whether real data overflows this type by this operation."""
    if what == "-" and dtype.is_unsigned_integer():
        return True
    return type(dtype) in (_SMALL if what in ("+", "-") else _NARROW)


def _is_rest_of_count(ranges: Ranges, place: Place, view: Any) -> bool:
    """Whether a difference is the number of rows minus the number of some of them, which is never negative."""
    whole, part = (_counted(ranges, place._replace(expression=each)) for each in (view.left, view.right))
    return whole == (part[0], "all") and part[1] != ""


def _counted(ranges: Ranges, place: Place) -> tuple[object, str]:
    """Returns an identity of the counted rows, and "all" or "part" for the counted share; "" where nothing is counted."""
    plan = ranges.plan
    made = ranges.origin(place)
    view = plan.view(made.expression)
    where: tuple[object, ...] = (made.node,)
    if type(view).__name__ == "Window" and view is not None:
        keys = tuple(expression_text(plan, key) for key in view.partition_by)
        made, where = made._replace(expression=view.function), (made.node, *keys)
        view = plan.view(made.expression)
    kind = type(view).__name__
    if view is None:
        return where, ""
    if kind == "Len":
        return where, "all"
    if kind == "Function":
        return where, "part" if view.function_data[0] == "null_count" else ""
    if kind != "Agg":
        return where, ""
    trues = view.name == "sum" and isinstance(plan.dtype(made._replace(expression=view.arguments[0])), pl.Boolean)
    return where, "part" if trues or view.name in _COUNTS else ""


def _words(what: str, dtype: pl.DataType, exact: Range, room: Range) -> str:
    name = dtype_text(dtype)
    if what == "-" and exact.least < room.least == 0:
        return f"a difference of {name} stays {name}, which has nothing below 0"
    noun = {"sum": "sum", "pow": "power", "*": "product", "+": "sum", "-": "difference"}[what]
    reach = "" if exact == ANY or what == "sum" else f", can be {max(exact.greatest, -exact.least):,}"
    return f"a {noun} of {name} stays {name}{reach} and ends at {room.greatest:,}"
