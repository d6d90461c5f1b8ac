"""A look at a LazyFrame's plan before it runs. It only reads, and what it cannot read it leaves out.

Polars has no public API for this; here is what its GPU engine is built on: `collect` hands the finished plan to a
callback before it opens a sink or reads a row, and an exception from the callback is where `collect` ends.
`LazyFrame._ldf.visit()` would be shorter, but it keeps the GIL while a Delta scan resolves its table in a thread that
needs the GIL: it never returns. No optimisation is asked for: they prune, share and rename the author's expressions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import polars as pl
from polars.exceptions import PanicException

T = TypeVar("T")

# A plan of so many expressions is machine-made, and nobody waits long for a courtesy: what lies beyond is not seen.
MAXIMUM_EXPRESSIONS = 50_000

# What Polars raises for what it cannot show: NotImplementedError mostly, ValueError for a function that does not
# pickle, a PolarsError for a column of the join's other side. No list is complete, and none is worth a failed run.
_UNREADABLE = (Exception, PanicException)

# The attributes under which a viewed expression keeps the numbers of those it is made of.
_PARTS = (
    "left", "right", "predicate", "truthy", "falsy", "function", "arguments", "expr", "input", "by", "idx",
    "partition_by", "order_by", "offset", "length",
)  # fmt: skip


class Place(NamedTuple):
    """An expression, and the node that carries it: both are numbers in Polars' own arenas."""

    node: int
    expression: int


class _EnoughError(Exception):
    """Ends the collect that only served to get the plan."""


def read_plan(lf: pl.LazyFrame, read: Callable[[Plan], T]) -> T | None:
    """What `read` makes of the plan, or None when there is no plan to read: the run itself will say why."""
    found: list[T] = []
    interrupts: list[BaseException] = []

    def look(traverser: Any, *_: object) -> None:
        try:
            found.append(read(Plan(traverser)))
        except (KeyboardInterrupt, SystemExit) as interrupt:  # Polars would dress it as an error of the query
            interrupts.append(interrupt)
        raise _EnoughError

    collect: Any = lf.collect  # its stub hides the callback
    try:
        collect(engine="in-memory", optimizations=pl.QueryOptFlags.none(), post_opt_callback=look)
    except _UNREADABLE:  # _EnoughError comes back as a ComputeError
        if interrupts:
            raise interrupts[0] from None
    return found[0] if found else None


class Plan:
    """The plan's nodes and expressions. What Polars cannot show (a Python function, a list.eval) is a leaf here."""

    def __init__(self, traverser: Any) -> None:
        self._traverser = traverser
        self.root: int = traverser.get_node()
        # asked for once per column that is followed, and a wide node's answer is long
        self._made: dict[int, dict[str, int]] = {}
        self._schemas: dict[int, dict[str, pl.DataType]] = {}

    def inputs(self, node: int) -> list[int]:
        return list(self._at(node).get_inputs())

    def made(self, node: int) -> dict[str, int]:
        """The node's own expressions, by the column each makes."""
        if node not in self._made:
            self._made[node] = {made.output_name: made.node for made in self._at(node).get_exprs()}
        return self._made[node]

    def schema(self, node: int) -> dict[str, pl.DataType]:
        if node not in self._schemas:
            self._schemas[node] = dict(self._at(node).get_schema())
        return self._schemas[node]

    def show(self, node: int) -> Any | None:
        """The node as Polars shows it to the GPU engine, or None."""
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
        """The type an expression has where it stands: over an input of its node, never over what the node makes."""
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
        """All nodes, each once, an input before what is made of it."""
        found: dict[int, None] = {}
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = None
                waiting.extend(self.inputs(node))
        return list(reversed(found))

    def expressions(self) -> Iterator[Place]:
        """All expressions that can be shown, with their parts, up to MAXIMUM_EXPRESSIONS."""
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
