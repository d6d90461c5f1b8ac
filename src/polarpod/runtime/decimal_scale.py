"""How many decimal places the values of an expression can have, as far as the plan proves it.

A type says less: `pl.col("price").cast(pl.Decimal(38, 4))` has room for four places and, coming from Decimal(15, 2),
values of two. Every answer is an upper bound: what is unknown costs at most a false alarm, never a missed one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import polars as pl

from polarpod.runtime.logical_plan import Place, Plan

# More than any Decimal has: a float or a text may have any number of places.
_UNKNOWN = 99
# Deeper than a person nests; beyond it values count as unknown, well before Python's own recursion limit.
_DEPTH = 100

SIGNS: Final = {
    "Operator.Plus": "+", "Operator.Minus": "-", "Operator.Multiply": "*", "Operator.Modulus": "%",
    "Operator.TrueDivide": "/", "Operator.Divide": "/", "Operator.FloorDivide": "//",
}  # fmt: skip

# These hand on values they were given and make no finer ones.
_KEEPING_NODES = {
    "Filter", "Sort", "Slice", "Cache", "Distinct", "SimpleProjection", "Union", "HConcat", "MergeSorted", "HStack",
}  # fmt: skip
_KEEPING_MAPS = {"row_index", "explode", "hint_sorted", "unnest"}
_MAKING_NODES = {"Select", "HStack", "GroupBy"}
_KEEPING_FUNCTIONS = {"fill_null", "coalesce", "abs", "negate", "drop_nulls", "clip"}
_KEEPING_AGGREGATIONS = {"sum", "min", "max", "first", "last", "item"}
_KEEPING_PARTS = {
    "Cast": ("expr",), "Sort": ("expr",), "SortBy": ("expr",), "Gather": ("expr",), "Explode": ("expr",),
    "Filter": ("input",), "Slice": ("input",), "Window": ("function",), "Rolling": ("function",),
    "Ternary": ("truthy", "falsy"),
}  # fmt: skip


class Scales:
    """Answers for one plan, each worked out once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[Place, int] = {}
        self._columns: dict[tuple[int, str], int] = {}

    def of(self, place: Place, depth: int = _DEPTH) -> int:
        """The most decimal places a value of this expression can have."""
        if place not in self._known:
            dtype = self._plan.dtype(place)
            declared = dtype.scale if isinstance(dtype, pl.Decimal) else _UNKNOWN
            if dtype is not None and dtype.is_integer():
                declared = 0
            self._known[place] = min(declared, self._proven(place, depth - 1)) if depth else declared
        return self._known[place]

    def _proven(self, place: Place, depth: int) -> int:
        view = self._plan.view(place.expression)
        kind = type(view).__name__
        if view is None:
            return _UNKNOWN
        if kind == "Literal":
            return places(view.value)
        if kind == "Column":
            inputs = [node for node in self._plan.inputs(place.node) if view.name in self._plan.columns(node)]
            return max((self._column(node, view.name, depth) for node in inputs), default=_UNKNOWN)
        if kind == "BinaryExpr":
            left, right = (self.of(place._replace(expression=part), depth) for part in (view.left, view.right))
            sign = SIGNS.get(str(view.op), "")
            return left + right if sign == "*" else max(left, right) if sign in ("+", "-", "%") else _UNKNOWN
        most, parts = _bounded(kind, view)
        return min(most, max((self.of(place._replace(expression=part), depth) for part in parts), default=_UNKNOWN))

    def _column(self, node: int, name: str, depth: int) -> int:
        """The same for a column of a node, followed down the plan to where it was made."""
        if (node, name) not in self._columns:
            self._columns[node, name] = self._made(node, name, depth)
        return self._columns[node, name]

    def _made(self, node: int, name: str, depth: int) -> int:
        while True:
            view = self._plan.show(node)
            kind = type(view).__name__
            if kind in _MAKING_NODES and name in (made := self._plan.made(node)):
                return self.of(Place(node, made[name]), depth)
            sources = self._sources(node, name, kind, view)
            if len(sources) != 1:
                break
            node, name = sources[0]
        if not depth:
            return _UNKNOWN
        return max((self._column(source, column, depth - 1) for source, column in sources), default=_UNKNOWN)

    def _sources(self, node: int, name: str, kind: str, view: Any) -> list[tuple[int, str]]:
        """The inputs' columns that a column a node has not made itself can hold values of; none if that is unknown."""
        inputs = self._plan.inputs(node)
        if kind == "Join":
            left, right = ((source, self._plan.columns(source)) for source in inputs)
            # a full join's key holds both sides' values: whichever side knows the name counts
            found = [(source, name) for source, columns in (left, right) if name in columns]
            shorter = name.removesuffix(str(view.options[3]))
            return [*found, (right[0], shorter)] if shorter != name and shorter in right[1] else found
        keeps = kind in _KEEPING_NODES or (kind == "MapFunction" and view.function[0] in _KEEPING_MAPS)
        return [(source, name) for source in inputs if name in self._plan.columns(source)] if keeps else []


def _bounded(kind: str, view: Any) -> tuple[int, list[int]]:
    """A bound of the expression's own (rounding has one) and the parts whose values it hands on."""
    if kind == "Agg" and view.name in _KEEPING_AGGREGATIONS:
        return _UNKNOWN, list(view.arguments)
    if kind == "Function" and view.function_data[0] == "round":
        return int(view.function_data[1]), list(view.input)
    if kind == "Function" and view.function_data[0] in _KEEPING_FUNCTIONS:
        return _UNKNOWN, list(view.input)
    return _UNKNOWN, [getattr(view, name) for name in _KEEPING_PARTS.get(kind, ())]


def places(value: object) -> int:
    """The decimal places a literal really has: 2.00 has none."""
    if value is None:
        return 0
    if not isinstance(value, Decimal) or not value.is_finite():
        return _UNKNOWN
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else _UNKNOWN
