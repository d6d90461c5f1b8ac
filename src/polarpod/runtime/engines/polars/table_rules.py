"""The rules that a Delta table has for its rows: columns that are never null, invariants, CHECK constraints.

A file that is committed as it is passes no writer of the table's, so the rows are held to the rules here, batch by batch,
while they go to the file. A rule is SQL of whatever engine wrote it; only what means the same everywhere is evaluated
(comparisons of columns with literals, AND, OR, NOT, IN, BETWEEN, IS NULL). Any other rule is refused by its name before
the work begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.delta_features import Traits, walk

_CONSTRAINT = "delta.constraints."
_TOKEN = re.compile(r"\s*(?:(`[^`]+`|[A-Za-z_]\w*)|-?\d+(?:\.\d+)?|'(?:[^'\\]|'')*'|<>|!=|<=|>=|[<>=(),])")
_WORDS = frozenset({"and", "or", "not", "is", "null", "in", "between", "true", "false"})
# their comparison with a literal is the same in every engine; dates and decimals are converted, each engine in its way
_COMPARED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64, pl.String, pl.Boolean)


class Rule(NamedTuple):
    """One rule: its name for a person, and an expression that is true for rows that break it."""

    name: str
    broken: pl.Expr


class Demands(NamedTuple):
    """What a table asks of the rows of a run.

    Attributes:
        rules: what every row must keep to.
        written_back: the table's partition columns where deltalake writes the rows again; None where they stay in the files
            that were staged.
    """

    rules: list[Rule]
    written_back: list[str] | None = None


def rules_of(traits: Traits, schema: pl.Schema, uri: str) -> list[Rule]:
    """What every row must keep to.

    Raises:
        PolarpodError: `publish_refused` for a rule that cannot be held.
    """
    found = [Rule(name, broken) for name, broken in _not_null(traits.fields, schema, uri)]
    for name, text in _expressions(traits):
        expression = _evaluated(text, schema)
        if expression is None:
            raise PolarpodError(
                Category.PUBLISH_REFUSED,
                f"the Delta table has a rule that polarpod cannot hold its rows to: {name}",
                evidence=[uri, f"{name}: {text}"],
                remedy="polarpod holds comparisons of columns with literals, joined by AND and OR. Publish to a table "
                "without this rule, or write to it with the engine that made it.",
            )
        # as the protocol has it, a rule must be true: null is not
        found.append(Rule(f"{name}: {text}", expression.fill_null(value=False).not_()))
    return found


def hold(lf: pl.LazyFrame, rules: list[Rule], uri: str, failures: list[BaseException]) -> pl.LazyFrame:
    """The frame, whose rows are held to the rules as they pass.

    An exception raised in here comes out of Polars as a ComputeError with its text; the original is kept in `failures`.
    """
    if not rules:
        return lf
    broken = [rule.broken.sum().alias(str(index)) for index, rule in enumerate(rules)]

    def pass_on(batch: pl.DataFrame) -> pl.DataFrame:
        counts = batch.select(broken).row(0)
        if any(counts):
            failures.append(_broken([(rule.name, count) for rule, count in zip(rules, counts, strict=True) if count], uri))
            raise failures[-1]
        return batch

    return lf.map_batches(
        pass_on, schema=lf.collect_schema(), validate_output_schema=False, streamable=True, projection_pushdown=False
    )


def _broken(counts: list[tuple[str, int]], uri: str) -> PolarpodError:
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"the output has rows that break a rule of the Delta table: {counts[0][0]}",
        evidence=[uri, *(f"{name}: at least {count:,} rows" for name, count in counts)],
        remedy="Mend the rows in the transform, or change the table's rule; nothing was published.",
    )


def _not_null(fields: list[dict[str, Any]], schema: pl.Schema, uri: str) -> Iterator[tuple[str, pl.Expr]]:
    for field in fields:
        name = field["name"]
        if name in schema:
            yield from _nulls(field, pl.col(name), name, pl.lit(value=True), uri)


def _nulls(field: dict[str, Any], value: pl.Expr, path: str, there: pl.Expr, uri: str) -> Iterator[tuple[str, pl.Expr]]:
    """Where this field, or one inside of it, is null and must not be. `there`: whether what it is in is not null."""
    if not field.get("nullable", True):
        yield f"{path} is NOT NULL", there & value.is_null()
    yield from _inside(field["type"], value, path, there & value.is_not_null(), uri)


def _inside(kind: Any, value: pl.Expr, path: str, there: pl.Expr, uri: str) -> Iterator[tuple[str, pl.Expr]]:
    if not isinstance(kind, dict):
        return
    if kind["type"] == "struct":
        for field in kind["fields"]:
            inner = f"{path}.{field['name']}"
            yield from _nulls(field, value.struct.field(field["name"]), inner, there, uri)
    elif kind["type"] == "array":
        element = {"type": kind["elementType"], "nullable": kind.get("containsNull", True)}
        for name, broken in _nulls(element, pl.element(), f"{path}[]", pl.lit(value=True), uri):
            yield name, there & value.list.eval(broken).list.any()
    elif not kind.get("valueContainsNull", True) or _demands(kind["valueType"]) or _demands(kind["keyType"]):
        raise PolarpodError(
            Category.PUBLISH_REFUSED,
            f"the Delta table has a map whose values are NOT NULL, which polarpod cannot hold its rows to: {path}",
            evidence=[uri, f"{path}: {json.dumps(kind)[:200]}"],
            remedy="Publish to a table whose map may hold nulls, or write to this one with the engine that made it.",
        )


def _demands(kind: Any) -> bool:
    """Whether something inside of a type must not be null."""
    if not isinstance(kind, dict):
        return False
    fields = walk([{"name": "", "type": kind}])
    return any(not field.get("nullable", True) for _, field in fields) or 'ontainsNull": false' in json.dumps(kind)


def _expressions(traits: Traits) -> Iterator[tuple[str, str]]:
    for key, text in traits.properties.items():
        if key.startswith(_CONSTRAINT):
            yield f"CHECK constraint {key.removeprefix(_CONSTRAINT)}", text
    for path, field in walk(traits.fields):
        if written := field.get("metadata", {}).get("delta.invariants"):
            yield f"invariant of {path}", _invariant(written)


def _invariant(written: str) -> str:
    try:
        return str(json.loads(written)["expression"]["expression"])
    except (ValueError, KeyError, TypeError):
        return written


def _evaluated(text: str, schema: pl.Schema) -> pl.Expr | None:
    """The rule as an expression, or None where it is more than comparisons that mean the same in every engine."""
    position = 0
    while position < len(text.rstrip()):
        token = _TOKEN.match(text, position)
        if token is None:
            return None
        word, following = token[1], text[token.end() :].lstrip()[:1]
        if word and word.lower() not in _WORDS and (following == "(" or schema.get(word.strip("`")) not in _COMPARED):
            return None
        position = token.end()
    try:
        expression = pl.sql_expr(text)
        kind = pl.DataFrame(schema=schema).select(expression.alias("rule")).schema["rule"]
    except pl.exceptions.PolarsError:
        return None
    return expression if kind == pl.Boolean() else None
