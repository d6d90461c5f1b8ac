"""Checks: splits a frame into good and bad rows by a dataframely schema, in one pass.

The only module that uses dataframely. It uses its private name `_lf`, the lazy frame of failures, which every public method
collects; a test fails when that name is removed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError


class Split(NamedTuple):
    """Good rows, and bad rows with one boolean column per rule (False: broken, null: undecidable)."""

    good: pl.LazyFrame
    bad: pl.LazyFrame
    rules: list[str]


def split(lf: pl.LazyFrame, schema: Any, *, what: str, category: Category) -> Split:
    """Splits a frame by a schema's rules, lazily.

    Args:
        what: the checked frame, for the message: "the output", "input 'orders'".
        category: of the error where columns or types differ.

    Raises:
        PolarpodError: a column is missing, extra, or of another type.
    """
    _check_columns(lf.collect_schema(), schema, what=what, category=category)
    result = schema.filter(lf)
    failure = result.failure
    return Split(result.result.lazy(), failure._lf, list(failure._rule_columns))  # noqa: SLF001  # see the module


def _check_columns(found: pl.Schema, schema: Any, *, what: str, category: Category) -> None:
    """Raises PolarpodError that lists all wrong columns: dataframely drops unknown ones and stops at the first wrong one."""
    columns = schema.columns()
    problems = [f"missing: {name}" for name in columns if name not in found]
    problems += [f"extra: {name} ({found[name]})" for name in found if name not in columns]
    problems += [
        f"{name}: {found[name]} instead of {column.dtype}"
        for name, column in columns.items()
        if name in found and not column.validate_dtype(found[name])
    ]
    if problems:
        raise PolarpodError(
            category,
            f"{what} does not have the columns of {schema.__name__}",
            evidence=problems,
            remedy=f"Make the transform and {schema.__name__} agree.",
        )


def count_failures(lf: pl.LazyFrame, schema: Any, *, what: str) -> dict[str, int]:
    """Returns rule -> failing rows, without rules that hold. A separate pass; for inputs, which are not written."""
    halves = split(lf, schema, what=what, category=Category.INPUT_MISMATCH)
    if not halves.rules:
        return {}
    counts = halves.bad.select((~pl.col(halves.rules)).sum()).collect().row(0, named=True)
    return {rule: int(count) for rule, count in counts.items() if count}


def check_inputs(frames: dict[str, pl.LazyFrame], schemas: dict[str, Any]) -> None:
    """Raises PolarpodError for the first input with a row that breaks its schema."""
    for name, schema in schemas.items():
        if failures := count_failures(frames[name], schema, what=f"input {name!r}"):
            raise PolarpodError(
                Category.CHECKS_FAILED,
                f"input {name!r} breaks {schema.__name__}",
                evidence=[f"{rule}: {count:,} rows" for rule, count in failures.items()],
                remedy="Mend the step that delivers it, or clean the rows in a job of their own with a quarantine.",
            )
