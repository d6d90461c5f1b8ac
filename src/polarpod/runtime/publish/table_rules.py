"""The rules that a table declares for its rows: columns that are never null, invariants, CHECK constraints.

A file that is committed unchanged passes no writer of the table, so an engine checks the rows against the rules while it
writes the file. This module only reads the rules; an engine decides which of them it can check, because they mean the same
everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.delta_features import Traits, walk

_CONSTRAINT = "delta.constraints."
# The step of a path into the items of a list.
ITEMS = None


class NotNull(NamedTuple):
    """One value that must not be null where its parent is not null. The path is a column, then field names or `ITEMS`."""

    path: tuple[str | None, ...]

    @property
    def name(self) -> str:
        return f"{_spelled(self.path)} is NOT NULL"


class Condition(NamedTuple):
    """One SQL condition that every row must fulfil: an invariant or a CHECK constraint."""

    title: str
    sql: str

    @property
    def name(self) -> str:
        return f"{self.title}: {self.sql}"


class TableRules(NamedTuple):
    """The rules of a table.

    Attributes:
        uri: the table's URI, for messages.
    """

    uri: str
    not_null: tuple[NotNull, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def names(self) -> list[str]:
        return [rule.name for rule in self.not_null] + [rule.name for rule in self.conditions]


def rules_of(traits: Traits, columns: Sequence[str], uri: str) -> TableRules:
    """Returns the rules of a Delta table for these columns.

    Raises:
        PolarpodError: `publish_refused` for a map whose values are NOT NULL.
    """
    fields = [field for field in traits.fields if field["name"] in columns]
    not_null = tuple(NotNull(path) for field in fields for path in _nulls(field, (field["name"],), uri))
    return TableRules(uri, not_null, tuple(_conditions(traits)))


def _spelled(path: tuple[str | None, ...]) -> str:
    return "".join("[]" if step is ITEMS else f".{step}" for step in path).removeprefix(".")


def _nulls(field: dict[str, Any], path: tuple[str | None, ...], uri: str) -> Iterator[tuple[str | None, ...]]:
    """Yields the paths of this field and its nested parts that must not be null."""
    if not field.get("nullable", True):
        yield path
    kind = field["type"]
    if not isinstance(kind, dict):
        return
    if kind["type"] == "struct":
        for inner in kind["fields"]:
            yield from _nulls(inner, (*path, inner["name"]), uri)
    elif kind["type"] == "array":
        yield from _nulls({"type": kind["elementType"], "nullable": kind.get("containsNull", True)}, (*path, ITEMS), uri)
    elif not kind.get("valueContainsNull", True) or _demands(kind["valueType"]) or _demands(kind["keyType"]):
        raise PolarpodError(
            Category.PUBLISH_REFUSED,
            f"the Delta table has a map whose values are NOT NULL, which polarpod cannot hold its rows to: {_spelled(path)}",
            evidence=[uri, f"{_spelled(path)}: {json.dumps(kind)[:200]}"],
            remedy="Publish to a table whose map may hold nulls, or write to this one with the engine that made it.",
        )


def _demands(kind: Any) -> bool:
    """Whether any nested part of a type must not be null."""
    if not isinstance(kind, dict):
        return False
    fields = walk([{"name": "", "type": kind}])
    return any(not field.get("nullable", True) for _, field in fields) or 'ontainsNull": false' in json.dumps(kind)


def _conditions(traits: Traits) -> Iterator[Condition]:
    for key, text in traits.properties.items():
        if key.startswith(_CONSTRAINT):
            yield Condition(f"CHECK constraint {key.removeprefix(_CONSTRAINT)}", text)
    for path, field in walk(traits.fields):
        if written := field.get("metadata", {}).get("delta.invariants"):
            yield Condition(f"invariant of {path}", _invariant(written))


def _invariant(written: str) -> str:
    try:
        return str(json.loads(written)["expression"]["expression"])
    except (ValueError, KeyError, TypeError):
        return written
