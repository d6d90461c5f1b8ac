"""Bounds of an expression's values that its plan proves, traced down to the nodes that make its columns.

A bound holds for every value, such as a number of decimal places or a range. It is never too narrow: where nothing is known
it is the full range of the type, so that a guard based on it can only raise false alarms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import polars as pl

from polarpod.runtime.engines.polars.guards.logical_plan import Place, Plan

T = TypeVar("T")

# Deeper than hand-written expressions; beyond it values count as unknown, well before Python's recursion limit.
DEPTH = 100

# Nodes, functions and aggregations whose results are values of their inputs.
KEEPING_NODES = {
    "Filter", "Sort", "Slice", "Cache", "Distinct", "SimpleProjection", "Union", "HConcat", "MergeSorted", "HStack",
}  # fmt: skip
KEEPING_MAPS = {"row_index", "explode", "hint_sorted"}
_MAKING_NODES = {"Select", "HStack", "GroupBy"}
KEEPING_FUNCTIONS = {
    "bottom_k", "bottom_k_by", "clip", "coalesce", "concat_expr", "cum_max", "cum_min", "drop_nulls", "fill_null",
    "fill_null_with_strategy", "gather_every", "max_horizontal", "min_horizontal", "mode", "replace", "replace_strict",
    "reverse", "sample_frac", "sample_n", "set_sorted", "shift", "shift_and_fill", "top_k", "top_k_by", "unique",
    "ListFunction.First", "ListFunction.Get", "ListFunction.Last", "ListFunction.Max", "ListFunction.Min",
    "RollingFunction.Max", "RollingFunction.Min",
}  # fmt: skip
KEEPING_AGGREGATIONS = {"min", "max", "first", "last", "item", "implode"}
KEEPING_PARTS = {
    "Sort": ("expr",), "SortBy": ("expr",), "Gather": ("expr",), "Explode": ("expr",),
    "Filter": ("input",), "Slice": ("input",), "Window": ("function",), "Rolling": ("function",),
    "Ternary": ("truthy", "falsy"),
}  # fmt: skip


class _Source(NamedTuple):
    """A column of a node, or one field of it where it is a struct."""

    node: int
    column: str
    field: str | None = None


class Bounds(ABC, Generic[T]):
    """Bounds of one plan's expressions, each computed once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._known: dict[tuple[Place, str | None], T] = {}
        self._columns: dict[_Source, T] = {}

    @abstractmethod
    def declared(self, dtype: pl.DataType | None) -> T:
        """Returns the full bound of a type; for a list, that of its items."""

    @abstractmethod
    def around(self, bounds: Iterable[T]) -> T:
        """Returns the union of bounds; for no bounds, the unknown bound."""

    @abstractmethod
    def within(self, one: T, other: T) -> T:
        """Returns the bound of values that satisfy both."""

    @abstractmethod
    def computed(self, place: Place, view: Any, depth: int, field: str | None) -> T:
        """Returns the bound of an expression that is neither a column nor a struct."""

    def of(self, place: Place, depth: int = DEPTH, field: str | None = None) -> T:
        """Returns the bound of an expression; with `field`, that of one field of a struct."""
        if (place, field) not in self._known:
            declared = self.declared(_inner(self.plan.dtype(place), field))
            proven = self._proven(place, depth - 1, field) if depth else declared
            self._known[place, field] = self.within(declared, proven)
        return self._known[place, field]

    def parts(self, place: Place, expressions: Iterable[int], depth: int, field: str | None = None) -> T:
        """Returns the union of the bounds of these expressions."""
        return self.around(self.of(place._replace(expression=part), depth, field) for part in expressions)

    def _proven(self, place: Place, depth: int, field: str | None) -> T:
        view = self.plan.view(place.expression)
        kind = type(view).__name__
        if view is None:
            return self.around(())
        if kind == "Column":
            nodes = [node for node in self.plan.inputs(place.node) if view.name in self.plan.schema(node)]
            return self.around(self._column(_Source(node, view.name, field), depth) for node in nodes)
        if kind == "Function" and str(view.function_data[0]) == "StructFunction.FieldByName":
            return self.parts(place, view.input, depth, view.function_data[1]) if field is None else self.around(())
        if kind == "Function" and view.function_data[0] == "as_struct":
            dtype = self.plan.dtype(place)
            names = [each.name for each in dtype.fields] if isinstance(dtype, pl.Struct) else []
            return self.parts(place, [view.input[names.index(field)]] if field in names else [], depth)
        return self.computed(place, view, depth, field)

    def _column(self, source: _Source, depth: int) -> T:
        """Returns the bound of a column, traced down the plan to the node that makes it."""
        if source not in self._columns:
            self._columns[source] = self._made(source, depth)
        return self._columns[source]

    def _made(self, source: _Source, depth: int) -> T:
        while True:
            view = self.plan.show(source.node)
            kind = type(view).__name__
            if kind in _MAKING_NODES and source.column in (made := self.plan.made(source.node)):
                return self.of(Place(source.node, made[source.column]), depth, source.field)
            sources = self._sources(source, kind, view)
            if len(sources) != 1:
                break
            source = sources[0]
        return self.around(self._column(each, depth - 1) for each in (sources if depth else ()))

    def origin(self, place: Place) -> Place:
        """Returns the place where a column is made, if there is exactly one; else the expression itself."""
        view = self.plan.view(place.expression)
        nodes = self.plan.inputs(place.node)
        if type(view).__name__ != "Column" or view is None or len(nodes) != 1:
            return place
        source = _Source(nodes[0], view.name)
        while True:
            view = self.plan.show(source.node)
            kind = type(view).__name__
            if kind in _MAKING_NODES and source.column in (made := self.plan.made(source.node)):
                return self.origin(Place(source.node, made[source.column]))
            sources = self._sources(source, kind, view)
            if len(sources) != 1:
                return place
            source = sources[0]

    def _sources(self, source: _Source, kind: str, view: Any) -> list[_Source]:
        """Returns the input columns whose values a column can hold that the node does not make; [] if unknown."""
        name, inputs = source.column, self.plan.inputs(source.node)
        same = [source._replace(node=node) for node in inputs if name in self.plan.schema(node)]
        if kind == "Join":
            # The key of a full join holds values of both sides: every side with the name counts.
            right = source._replace(node=inputs[1], column=name.removesuffix(str(view.options[3])))
            return [*same, right] if right.column != name and right.column in self.plan.schema(right.node) else same
        if kind == "MapFunction" and view.function[0] == "unnest":
            return self._unnested(source, inputs[0], *view.function[1:3])
        if kind == "MapFunction" and view.function[0] == "unpivot":
            _, index, on, _, value = view.function
            columns = on or [column for column in self.plan.schema(inputs[0]) if column not in index]
            return [source._replace(node=inputs[0], column=column) for column in columns] if name == value else same
        return same if kind in KEEPING_NODES or (kind == "MapFunction" and view.function[0] in KEEPING_MAPS) else []

    def _unnested(self, source: _Source, node: int, structs: list[str], separator: str | None) -> list[_Source]:
        """Returns the struct field that an unnested column comes from, or the column beside the struct."""
        for column in structs if source.field is None else ():
            prefix = f"{column}{separator}" if separator else ""
            field = source.column.removeprefix(prefix)
            if source.column.startswith(prefix) and _inner(self.plan.schema(node).get(column), field) is not None:
                return [_Source(node, column, field)]
        beside = source.column in self.plan.schema(node) and source.column not in structs
        return [source._replace(node=node)] if beside else []


def _inner(dtype: pl.DataType | None, field: str | None) -> pl.DataType | None:
    """Returns the type of a struct's field, or the type itself; for a list, that of its items."""
    if field is not None:
        fields = {each.name: each.dtype for each in dtype.fields} if isinstance(dtype, pl.Struct) else {}
        dtype = fields.get(field)  # type: ignore[assignment]  # a struct that exists has instances of types only
    while isinstance(dtype, (pl.List, pl.Array)):
        dtype = dtype.inner  # type: ignore[assignment]  # likewise
    return dtype
