"""Finds Decimal products and quotients that would round every row, before a row is read.

Polars gives Decimal * Decimal the larger of the two scales, where Spark, DuckDB and SQL give their sum: 1.15 * 1.15
becomes 1.32 instead of 1.3225, silently, and a sum over the rows drifts with their number. Division keeps the larger
scale too: 1.23 / 100 is 0.01.

A product is exact when its scale holds the scales of both factors' values together. A quotient is never known to be
exact; it passes when its scale is finer than both operands' values, for then somebody has chosen it.

Not seen, because Polars does not show them: what is inside `list.eval`, `struct.with_fields` and Python functions,
those of `pl.fold` and `pl.reduce` among them. Not looked at: `Expr.product()` and products of whole structs.
`pl.SQLContext` needs no guard for products: SQL's have the sum of the scales in Polars too.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from polarpod.runtime.decimal_scale import SIGNS, Scales
from polarpod.runtime.logical_plan import Place, Plan, read_plan

REMEDY: Final = (
    "Cast one factor to a scale that holds the whole product before multiplying; for two factors of scale 2: "
    'pl.col("price").cast(pl.Decimal(38, 4)) * pl.col("quantity"). A cast of the product comes too late, and '
    "Decimal(38, 2) is no finer. For a quotient cast the dividend to the scale you want, such as pl.Decimal(38, 6). "
    "Where rounding is meant, write .round(2) behind it."
)

# The text only has to be recognised by its author.
_TEXT_DEPTH = 6


def rounding_products(lf: pl.LazyFrame) -> list[str]:
    """Describes each Decimal product or quotient that loses digits: its text, the types, and the scale it lacks.

    Nothing is run. A plan, or part of a plan, that cannot be read is passed over.
    """
    return read_plan(lf, _findings) or []


def _findings(plan: Plan) -> list[str]:
    scales = Scales(plan)
    return list(dict.fromkeys(found for place in plan.expressions() if (found := _finding(plan, scales, place))))


def _finding(plan: Plan, scales: Scales, place: Place) -> str:
    view = plan.view(place.expression)
    sign = _sign(view)
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
    return f"{_text(plan, place.expression)}: {_name(left)} {sign} {_name(right)} gives {_name(result)}, {lack}"


def _sign(view: Any) -> str:
    return SIGNS.get(str(getattr(view, "op", "")), "")


def _name(dtype: pl.Decimal) -> str:
    return f"Decimal({dtype.precision}, {dtype.scale})"


def _text(plan: Plan, expression: int, depth: int = _TEXT_DEPTH) -> str:
    """The expression much as its author wrote it: col("price") * col("discount").sum()."""
    view = plan.view(expression)
    kind = type(view).__name__
    if view is None or not depth:
        return "..."
    if kind == "Column":
        return f'col("{view.name}")'
    if kind == "Literal":
        return str(view.value)
    parts = [_text(plan, part, depth - 1) for part in plan.parts(expression)]
    if kind == "BinaryExpr":
        left, right = (f"({part})" if " " in part else part for part in parts)
        return f"{left} {_sign(view) or '?'} {right}"
    if kind == "Cast":
        dtype = view.dtype
        return f"{parts[0]}.cast({_name(dtype) if isinstance(dtype, pl.Decimal) else dtype})"
    name = view.name if kind == "Agg" else view.function_data[0] if kind == "Function" else kind.lower()
    return f"{name}({', '.join(parts)})"
