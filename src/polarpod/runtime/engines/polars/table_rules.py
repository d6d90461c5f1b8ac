"""Checks rows against the rules of their table, batch by batch, while they are written.

A rule is SQL in the dialect of the engine that wrote it; only parts that mean the same everywhere are evaluated (comparisons
of columns with literals, AND, OR, NOT, IN, BETWEEN, IS NULL). Any other rule is refused by name before the work begins.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.publish.table_rules import ITEMS, TableRules

_TOKEN = re.compile(r"\s*(?:(`[^`]+`|[A-Za-z_]\w*)|-?\d+(?:\.\d+)?|'(?:[^'\\]|'')*'|<>|!=|<=|>=|[<>=(),])")
_WORDS = frozenset({"and", "or", "not", "is", "null", "in", "between", "true", "false"})
# Comparing these types with a literal is the same in every engine; conversions of dates and decimals differ by engine.
_COMPARED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64, pl.String, pl.Boolean)


class Rule(NamedTuple):
    """One rule: its name for messages, and an expression that is true for rows that break it."""

    name: str
    broken: pl.Expr


def held_rules(rules: TableRules, schema: pl.Schema) -> list[Rule]:
    """Returns the rules as expressions over rows of a schema.

    Raises:
        PolarpodError: `publish_refused` for a rule that cannot be evaluated.
    """
    found = []
    for rule in rules.not_null:
        column, *inside = rule.path
        assert column is not ITEMS, "a path begins with a column"
        found.append(Rule(rule.name, _is_null(pl.col(column), inside)))
    for condition in rules.conditions:
        expression = _evaluated(condition.sql, schema)
        if expression is None:
            raise PolarpodError(
                Category.PUBLISH_REFUSED,
                f"the Delta table has a rule that polarpod cannot hold its rows to: {condition.title}",
                evidence=[rules.uri, condition.name],
                remedy="polarpod holds comparisons of columns with literals, joined by AND and OR. Publish to a table "
                "without this rule, or write to it with the engine that made it.",
            )
        # By the Delta protocol a rule must evaluate to true; null does not.
        found.append(Rule(condition.name, expression.fill_null(value=False).not_()))
    return found


def _is_null(value: pl.Expr, inside: list[str | None]) -> pl.Expr:
    """Returns an expression: whether the value at a path is null while its parent is not."""
    if not inside:
        return value.is_null()
    step, *rest = inside
    if step is ITEMS:
        return value.is_not_null() & value.list.eval(_is_null(pl.element(), rest)).list.any()
    return value.is_not_null() & _is_null(value.struct.field(step), rest)


def hold(lf: pl.LazyFrame, rules: list[Rule], uri: str, failures: list[BaseException]) -> pl.LazyFrame:
    """Returns the frame; its query fails where a row breaks a rule.

    Polars raises an exception of this callback as a ComputeError with its text; the original is kept in `failures`.
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


def _evaluated(text: str, schema: pl.Schema) -> pl.Expr | None:
    """Returns the rule as an expression, or None where it is more than comparisons that mean the same in every engine."""
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
