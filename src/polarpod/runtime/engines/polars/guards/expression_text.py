"""The text of a plan's expression, close enough to its source to be recognised."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from polarpod.runtime.engines.polars.guards.logical_plan import Plan

_DEPTH = 6

SIGNS: Final = {
    "Operator.Plus": "+", "Operator.Minus": "-", "Operator.Multiply": "*", "Operator.Modulus": "%",
    "Operator.TrueDivide": "/", "Operator.Divide": "/", "Operator.FloorDivide": "//",
}  # fmt: skip


def sign_of(view: Any) -> str:
    """Returns the operator sign of an arithmetic expression, "" for any other."""
    return SIGNS.get(str(getattr(view, "op", "")), "")


def dtype_text(dtype: pl.DataType | None) -> str:
    return f"Decimal({dtype.precision}, {dtype.scale})" if isinstance(dtype, pl.Decimal) else str(dtype)


def expression_text(plan: Plan, expression: int, depth: int = _DEPTH) -> str:
    """Returns text such as `col("price") * sum(col("discount"))`."""
    view = plan.view(expression)
    kind = type(view).__name__
    if view is None or not depth:
        return "..."
    if kind == "Column":
        return f'col("{view.name}")'
    if kind == "Literal":
        return str(view.value)
    parts = [expression_text(plan, part, depth - 1) for part in plan.parts(expression)]
    if kind == "BinaryExpr":
        left, right = (f"({part})" if " " in part else part for part in parts)
        return f"{left} {sign_of(view) or '?'} {right}"
    if kind == "Cast":
        return f"{parts[0]}.cast({dtype_text(view.dtype)})"
    name = view.name if kind == "Agg" else str(view.function_data[0]).rpartition(".")[2] if kind == "Function" else kind
    return f"{name.lower()}({', '.join(parts)})"
