"""Finds Decimal products and quotients that would round every row, before any row is read.

Polars gives Decimal * Decimal the larger of the two scales, where Spark, DuckDB and SQL give their sum: 1.15 * 1.15
silently becomes 1.32 instead of 1.3225, and the error of a sum grows with the number of rows. Division keeps the larger
scale too: 1.23 / 100 is 0.01. `Expr.product()` and powers are products as well.

A product is exact where its scale is at least the sum of the scales of both factors' values. A quotient is never known to be
exact; it passes where its scale is finer than both operands' values, because then the author chose it. Either passes where
it is rounded directly to its own scale: Polars rounds it half to even, once, as requested.

Not visible in a plan: the insides of `list.eval`, `struct.with_fields` and Python functions, including those of `pl.fold`
and `pl.reduce`. Not checked: products of whole structs. The result of a Python function counts as having all decimal places
of its type.
`pl.SQLContext` needs no guard for products: Polars gives SQL products the sum of the scales.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from polarpod.runtime.engines.polars.guards.decimal_scale import Scales
from polarpod.runtime.engines.polars.guards.expression_text import dtype_text, expression_text, sign_of
from polarpod.runtime.engines.polars.guards.logical_plan import Place, Plan, read_plan

REMEDY: Final = (
    "Cast one factor to a scale that holds the whole product before multiplying; for two factors of scale 2: "
    'pl.col("price").cast(pl.Decimal(38, 4)) * pl.col("quantity"). A cast of the product comes too late, and '
    "Decimal(38, 2) is no finer. For a quotient cast the dividend to the scale you want, such as pl.Decimal(38, 6). "
    "For a ratio that need not be exact, or a power, cast to pl.Float64 first. Where rounding is meant, write .round(n) "
    "directly behind the product or quotient, with the n of the result's type: .round(2) for Decimal(38, 2)."
)


def rounding_products(lf: pl.LazyFrame) -> list[str]:
    """Returns a description of each Decimal product or quotient that loses digits: its text, types, and the needed scale.

    The plan is not run. A plan, or a part of it, that cannot be read is skipped.
    """
    return read_plan(lf, rounding_in) or []


def rounding_in(plan: Plan) -> list[str]:
    """As `rounding_products`, for a plan from `read_plan`."""
    scales = Scales(plan)
    everything = list(plan.expressions())
    meant = {place for each in everything for place in _rounded_at_once(plan, each)}
    found = (_finding(plan, scales, place) for place in everything if place not in meant)
    return list(dict.fromkeys(text for text in found if text))


def _rounded_at_once(plan: Plan, place: Place) -> Iterator[Place]:
    """Yields the operand that an expression rounds to the scale it already has. Any other scale would round it twice."""
    view = plan.view(place.expression)
    if type(view).__name__ != "Function" or view is None or view.function_data[0] != "round":
        return
    product = place._replace(expression=view.input[0])
    dtype = plan.dtype(product)
    if isinstance(dtype, pl.Decimal) and view.function_data[1:] == (dtype.scale, "half_to_even"):
        yield product


def _finding(plan: Plan, scales: Scales, place: Place) -> str:
    view = plan.view(place.expression)
    if type(view).__name__ == "Function":
        return _power(plan, scales, place, view)
    sign = sign_of(view)
    if view is None or sign not in ("*", "/"):
        return ""
    operands = [place._replace(expression=part) for part in (view.left, view.right)]
    result, left, right = (plan.dtype(each) for each in (place, *operands))
    if not (isinstance(result, pl.Decimal) and isinstance(left, pl.Decimal) and isinstance(right, pl.Decimal)):
        return ""
    places = [scales.of(each) for each in operands]
    needed = sum(places) if sign == "*" else max(places) + 1
    if result.scale >= needed:
        return ""
    lack = f"the exact product needs scale {needed}" if sign == "*" else "no finer than what it divides"
    types = f"{dtype_text(left)} {sign} {dtype_text(right)} gives {dtype_text(result)}"
    return f"{expression_text(plan, place.expression)}: {types}, {lack}"


def _power(plan: Plan, scales: Scales, place: Place, view: Any) -> str:
    """As `_finding`, for powers and for products over a column."""
    name = view.function_data[0]
    if name not in ("product", "cum_prod", "pow"):
        return ""
    base = place._replace(expression=view.input[0])
    dtype, result = plan.dtype(base), plan.dtype(place)
    if not isinstance(dtype, pl.Decimal) or not (scale := scales.of(base)):
        return ""
    if name == "pow" and not isinstance(result, pl.Decimal):
        return ""
    exponent = getattr(plan.view(view.input[1]), "value", None) if name == "pow" else None
    whole = isinstance(exponent, int) and exponent >= 0
    if whole and isinstance(result, pl.Decimal) and result.scale >= scale * int(exponent or 0):
        return ""
    lack = f"the exact power needs scale {scale * int(exponent or 0)}" if whole else "which no scale holds exactly"
    types = f"{name} of {dtype_text(dtype)} gives {dtype_text(result)}"
    return f"{expression_text(plan, place.expression)}: {types}, {lack}"
