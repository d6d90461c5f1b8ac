"""Datetimes and dates outside the range of a format, or of the library that writes it.

Such a value is hundreds of thousands of years in the past or future: a sentinel, or a value in the wrong unit. Polars and
deltalake panic over one, without naming the column or the value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.types.dtype import describe
from polarpod.runtime.types.nested_values import any_leaf, leaves_of

# The range of 63 bits of microseconds, in milliseconds.
_MILLISECONDS = (2**63 - 1) // 1000
# Years -262142 to 262141, in days since 1970: the whole years of the range of Rust's chrono, with which deltalake writes
# statistics.
_FIRST_DAY, _LAST_DAY = -96_464_927, 95_025_870
_A_DAY = {"ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
_UNITS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


class Reach(NamedTuple):
    """A range of values: the inclusive bounds of a plain type's number (None where all values are within), and the texts of
    its error."""

    bounds: Callable[[pl.DataType, pl.DataType], tuple[int, int] | None]
    words: str
    remedy: str


def _in_microseconds(stored: pl.DataType, wanted: pl.DataType) -> tuple[int, int] | None:
    coarse = isinstance(stored, pl.Datetime) and stored.time_unit == "ms"
    finer = isinstance(wanted, pl.Datetime) and wanted.time_unit == "us"
    return (-_MILLISECONDS, _MILLISECONDS) if coarse and finer else None


def _in_chrono(stored: pl.DataType, _wanted: pl.DataType) -> tuple[int, int] | None:
    if isinstance(stored, pl.Datetime):
        a_day = _A_DAY[stored.time_unit]
        return _FIRST_DAY * a_day, (_LAST_DAY + 1) * a_day - 1
    return (_FIRST_DAY, _LAST_DAY) if stored == pl.Date() else None


_MEND = "Filter or correct the rows in the transform: a sentinel for no value is better a null."
IN_MICROSECONDS = Reach(
    _in_microseconds,
    "microseconds do not reach, which are all that a Delta table has",
    f"{_MEND} A Parquet output keeps milliseconds.",
)
IN_CHRONO = Reach(
    _in_chrono,
    "deltalake cannot write, which reaches from the year -262142 to 262141",
    f"{_MEND} Replacing whole partitions, or appending, writes them.",
)


def out_of_reach(reach: Reach, schema: pl.Schema, wanted: pl.Schema) -> Callable[[pl.DataFrame], PolarpodError | None]:
    """Returns a function of a batch: the error for its first value outside the range, or None."""

    def is_far(number: pl.Expr, stored: pl.DataType, wanted: pl.DataType) -> pl.Expr | None:
        bounds = reach.bounds(stored, wanted)
        return None if bounds is None else ~number.to_physical().is_between(*bounds)

    tests = {column: any_leaf(pl.col(column), dtype, wanted[column], is_far) for column, dtype in schema.items()}
    far = [test.any().alias(column) for column, test in tests.items() if test is not None]

    def refusal(batch: pl.DataFrame) -> PolarpodError | None:
        if not far:
            return None
        bad = [column for column, found in batch.select(far).row(0, named=True).items() if found]
        return _refusal(reach, batch[bad[0]], wanted[bad[0]]) if bad else None

    return refusal


def _refusal(reach: Reach, values: pl.Series, wanted: pl.DataType) -> PolarpodError:
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"the column {values.name!r} of the output has a value that {reach.words}",
        evidence=[f"{values.name} = {_first(reach, values, wanted)}"],
        remedy=reach.remedy,
    )


def _first(reach: Reach, values: pl.Series, wanted: pl.DataType) -> str:
    for leaf, leaf_wanted in leaves_of(values, wanted):
        if bounds := reach.bounds(leaf.dtype, leaf_wanted):
            # As a number: neither Python nor Polars can format its year.
            number = leaf.to_physical()
            for value in number.filter(~number.is_between(*bounds)).head(1):
                unit = _UNITS[leaf.dtype.time_unit] if isinstance(leaf.dtype, pl.Datetime) else "days"
                return f"{value} {unit} since 1970 ({describe(leaf.dtype)})"
    raise AssertionError("the caller has found one")
