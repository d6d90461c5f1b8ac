"""Reads a LazyFrame's plan before it runs. Parts that cannot be read are skipped.

Polars has no public API for this; this module uses the interface of its GPU engine: `collect` passes the finished plan to a
callback before it opens a sink or reads a row, and an exception of the callback ends `collect`.
`LazyFrame._ldf.visit()` would be shorter, but it holds the GIL while a Delta scan resolves its table in a thread that needs
the GIL: a deadlock. Optimisations are off, because they prune, share and rename the author's expressions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import polars as pl
from polars.exceptions import PanicException

T = TypeVar("T")

# A plan with more expressions is generated; the rest is not checked, to bound the time of an optional check.
MAXIMUM_EXPRESSIONS = 50_000

# Polars raises these for nodes that it cannot show: mostly NotImplementedError, ValueError for a function that does not
# pickle, a PolarsError for a column of the join's other side. No narrower list is complete, and a run must not fail on one.
_UNREADABLE = (Exception, PanicException)

# The attributes of a viewed expression that hold the numbers of its inner expressions.
_PARTS = (
    "left", "right", "predicate", "truthy", "falsy", "function", "arguments", "expr", "input", "by", "idx",
    "partition_by", "order_by", "offset", "length",
)  # fmt: skip


class Place(NamedTuple):
    """An expression and its node, both as numbers in Polars' arenas."""

    node: int
    expression: int


class _EnoughError(Exception):
    """Ends the `collect` call once the plan is read."""


def read_plan(lf: pl.LazyFrame, read: Callable[[Plan], T]) -> T | None:
    """Returns the result of `read` for the plan, or None where there is no plan: the run itself then raises the cause."""
    found: list[T] = []
    interrupts: list[BaseException] = []

    def look(traverser: Any, *_: object) -> None:
        try:
            found.append(read(Plan(traverser)))
        except (KeyboardInterrupt, SystemExit) as interrupt:  # Polars would turn it into an error of the query
            interrupts.append(interrupt)
        raise _EnoughError

    collect: Any = lf.collect  # its stub hides the callback
    try:
        collect(engine="in-memory", optimizations=pl.QueryOptFlags.none(), post_opt_callback=look)
    except _UNREADABLE:  # Polars raises _EnoughError as a ComputeError
        if interrupts:
            raise interrupts[0] from None
    return found[0] if found else None


class Plan:
    """The nodes and expressions of a plan. An expression that Polars cannot show (Python function, list.eval) is a leaf."""

    def __init__(self, traverser: Any) -> None:
        self._traverser = traverser
        self.root: int = traverser.get_node()
        # Read once per traced column, and long for a wide node.
        self._made: dict[int, dict[str, int]] = {}
        self._schemas: dict[int, dict[str, pl.DataType]] = {}

    def inputs(self, node: int) -> list[int]:
        return list(self._at(node).get_inputs())

    def made(self, node: int) -> dict[str, int]:
        """Returns output column -> expression of the node."""
        if node not in self._made:
            self._made[node] = {made.output_name: made.node for made in self._at(node).get_exprs()}
        return self._made[node]

    def schema(self, node: int) -> dict[str, pl.DataType]:
        if node not in self._schemas:
            self._schemas[node] = dict(self._at(node).get_schema())
        return self._schemas[node]

    def show(self, node: int) -> Any | None:
        """Returns the node as Polars shows it to the GPU engine, or None."""
        try:
            return self._at(node).view_current_node()
        except _UNREADABLE:
            return None

    def view(self, expression: int) -> Any | None:
        try:
            return self._traverser.view_expression(expression)
        except _UNREADABLE:
            return None

    def dtype(self, place: Place) -> pl.DataType | None:
        """Returns the type of an expression over its node's inputs, never over the node's own output, or None."""
        for node in self.inputs(place.node):
            with contextlib.suppress(*_UNREADABLE):
                dtype: pl.DataType = self._at(node).get_dtype(place.expression)
                return dtype
        return None

    def parts(self, expression: int) -> list[int]:
        view = self.view(expression)
        values = [getattr(view, name, None) for name in _PARTS]
        flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
        return [item for item in flat if isinstance(item, int) and not isinstance(item, bool)]

    def nodes(self) -> list[int]:
        """Returns all nodes once, inputs before the nodes that use them."""
        found: dict[int, None] = {}
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = None
                waiting.extend(self.inputs(node))
        return list(reversed(found))

    def expressions(self) -> Iterator[Place]:
        """Yields all visible expressions and their parts, at most MAXIMUM_EXPRESSIONS."""
        seen: set[Place] = set()
        for node in self.nodes():
            waiting = [made.node for made in self._at(node).get_exprs()]
            while waiting:
                place = Place(node, waiting.pop(0))
                if place in seen:
                    continue
                if len(seen) == MAXIMUM_EXPRESSIONS:
                    return
                seen.add(place)
                yield place
                waiting[:0] = self.parts(place.expression)

    def _at(self, node: int) -> Any:
        self._traverser.set_node(node)
        return self._traverser
