"""What a plan proves of an expression's values, followed down to where its columns are made.

A bound is what holds for every value: how many decimal places, between which numbers. It is never too narrow: where nothing
is known it is all that the type has room for, so that a guard built on it can only cry wolf.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import polars as pl

from polarpod.runtime.engines.polars.guards.logical_plan import Place, Plan

T = TypeVar("T")

# Deeper than a person nests; beyond it values count as unknown, well before Python's own recursion limit.
DEPTH = 100

# These hand on values they were given.
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
    """Bounds of one plan's expressions, each worked out once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._known: dict[tuple[Place, str | None], T] = {}
        self._columns: dict[_Source, T] = {}

    @abstractmethod
    def declared(self, dtype: pl.DataType | None) -> T:
        """What a type has room for; of a list's, its items'."""

    @abstractmethod
    def around(self, bounds: Iterable[T]) -> T:
        """What holds for all of these; for none of them, nothing is known."""

    @abstractmethod
    def within(self, one: T, other: T) -> T:
        """What holds where both do."""

    @abstractmethod
    def computed(self, place: Place, view: Any, depth: int, field: str | None) -> T:
        """The bound of an expression that is no column and no struct."""

    def of(self, place: Place, depth: int = DEPTH, field: str | None = None) -> T:
        """The bound of an expression; of one field, where it is a struct."""
        if (place, field) not in self._known:
            declared = self.declared(_inner(self.plan.dtype(place), field))
            proven = self._proven(place, depth - 1, field) if depth else declared
            self._known[place, field] = self.within(declared, proven)
        return self._known[place, field]

    def parts(self, place: Place, expressions: Iterable[int], depth: int, field: str | None = None) -> T:
        """What holds for the values of all of these expressions."""
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
        """The bound of a column, followed down the plan to where it was made."""
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
        """Where a column was made, if there is one such place; else the expression itself."""
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
        """The inputs' columns that a column a node has not made itself can hold values of; none if that is unknown."""
        name, inputs = source.column, self.plan.inputs(source.node)
        same = [source._replace(node=node) for node in inputs if name in self.plan.schema(node)]
        if kind == "Join":
            # a full join's key holds both sides' values: whichever side knows the name counts
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
        """The field that a column was before its struct was taken apart, or the column that stood beside the struct."""
        for column in structs if source.field is None else ():
            prefix = f"{column}{separator}" if separator else ""
            field = source.column.removeprefix(prefix)
            if source.column.startswith(prefix) and _inner(self.plan.schema(node).get(column), field) is not None:
                return [_Source(node, column, field)]
        beside = source.column in self.plan.schema(node) and source.column not in structs
        return [source._replace(node=node)] if beside else []


def _inner(dtype: pl.DataType | None, field: str | None) -> pl.DataType | None:
    """The type of a struct's field, or the type itself; of a list, that of its items."""
    if field is not None:
        fields = {each.name: each.dtype for each in dtype.fields} if isinstance(dtype, pl.Struct) else {}
        dtype = fields.get(field)  # type: ignore[assignment]  # a struct that exists has instances of types only
    while isinstance(dtype, (pl.List, pl.Array)):
        dtype = dtype.inner  # type: ignore[assignment]  # likewise
    return dtype
