"""Which integer arithmetic the guard objects to, and that what it accepts does not wrap.

Excluded: how the worker turns a finding into a verdict.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.tpch import QUERIES

from polarpod.runtime.engines.polars.guards.integer_guard import REMEDY, wrapping_integers

c = pl.col
Plan = Callable[[pl.LazyFrame], pl.LazyFrame]
TYPES: dict[str, Any] = {
    "i8": pl.Int8, "i16": pl.Int16, "i32": pl.Int32, "i64": pl.Int64, "u8": pl.UInt8, "u32": pl.UInt32, "u64": pl.UInt64,
}  # fmt: skip
LATE = c("delay") > 0


@pytest.fixture
def rows() -> pl.LazyFrame:
    columns = {name: pl.Series([1, 2], dtype=dtype) for name, dtype in TYPES.items()}
    others = {"day": [dt.datetime.fromisoformat("2024-12-31")] * 2, "shop": ["a", "b"], "delay": [1.0, None]}
    return pl.LazyFrame({**columns, **others})


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        pytest.param(c("i32").sum(), 'sum(col("i32")): a sum of Int32 stays Int32 and ends at 2,147,483,647', id="sum"),
        pytest.param(c("u32").cum_sum(), "a sum of UInt32 stays UInt32 and ends at 4,294,967,295", id="running sum"),
        pytest.param(c("i32").rolling_sum(2), "a sum of Int32 stays Int32", id="rolling sum"),
        pytest.param(c("i32").sum().over("shop"), "a sum of Int32 stays Int32", id="sum over"),
        pytest.param(c("i32").implode().list.sum(), "a sum of Int32 stays Int32", id="sum of a list"),
        pytest.param(c("i32").sum().cast(pl.Int64), "a sum of Int32 stays Int32", id="the cast comes too late"),
        pytest.param(c("i32").sum() / 2, "a sum of Int32 stays Int32", id="within a ratio"),
        pytest.param(c("shop").str.len_chars().sum(), "a sum of UInt32 stays UInt32", id="sum of lengths"),
        pytest.param(pl.when(LATE).then(3).otherwise(0).sum(), "a sum of Int32 stays Int32", id="sum of literals over 1"),
        pytest.param(
            c("i32") * c("i32"),
            "a product of Int32 stays Int32, can be 4,611,686,018,427,387,904 and ends at 2,147,483,647",
            id="product",
        ),
        pytest.param(c("i32") * 60, "a product of Int32 stays Int32", id="product with a literal"),
        pytest.param(c("i8") * 2, "a product of Int8 stays Int8, can be 256 and ends at 127", id="product of small ones"),
        pytest.param(c("day").dt.month() * 100, "a product of Int8 stays Int8, can be 1,200", id="month times 100"),
        pytest.param(c("i32") ** 2, "a power of Int32 stays Int32", id="square"),
        pytest.param(c("i8") + c("i8"), "a sum of Int8 stays Int8, can be 256 and ends at 127", id="small ones added"),
        pytest.param(c("i16") - c("i16"), "a difference of Int16 stays Int16", id="small ones subtracted"),
        pytest.param(pl.sum_horizontal("i8", "i8"), "a sum of Int8 stays Int8", id="small ones added across"),
        pytest.param(pl.len() - 1, "a difference of UInt32 stays UInt32, which has nothing below 0", id="count less one"),
        pytest.param(c("u64") - c("u64"), "a difference of UInt64 stays UInt64", id="unsigned of 64 bits"),
        pytest.param(
            c("shop").str.len_chars() - c("shop").str.len_bytes(), "a difference of UInt32 stays UInt32", id="lengths"
        ),
        pytest.param(c("i32").count() - pl.len(), "a difference of UInt32", id="a count less the whole"),
        pytest.param(pl.len().over("shop") - LATE.sum(), "a difference of UInt32", id="another group's count"),
        pytest.param(c("i32").fill_null(strategy="one") * 2**30, "a product of Int32", id="filled"),
    ],
)
def test_it_objects_to_what_real_data_can_wrap(expression: pl.Expr, text: str, rows: pl.LazyFrame) -> None:
    (found,) = wrapping_integers(rows.select(expression))
    assert text in found


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(lambda lf: lf.group_by("shop").agg(c("i32").sum()), id="group by"),
        pytest.param(lambda lf: lf.filter(c("i32").sum() > 5), id="filter"),
        pytest.param(lambda lf: lf.with_columns(n=c("i32")).unique("n").select(c("n").sum()), id="a step later"),
        pytest.param(lambda lf: lf.with_columns(i64=c("i32")).select(c("i64").sum()), id="narrowed a step before"),
        pytest.param(lambda lf: lf.with_row_index().select(c("index") - 1), id="row index less one"),
        pytest.param(lambda lf: lf.select(c("i32").dot("i64"), total=c("i32").sum()), id="beside others"),
        pytest.param(lambda lf: pl.SQLContext(t=lf).execute("SELECT sum(i32) FROM t"), id="sql"),
        pytest.param(
            lambda lf: lf.group_by("shop").agg(n=pl.len()).join(lf, on="shop").select(c("n") - c("u32")), id="join"
        ),
    ],
)
def test_it_objects_wherever_it_stands(plan: Plan, rows: pl.LazyFrame) -> None:
    assert len(wrapping_integers(plan(rows))) == 1


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param(c("i32").cast(pl.Int64).sum(), id="widened before"),
        pytest.param(c("i8").sum() + c("i16").sum(), id="small ones are widened by polars"),
        pytest.param(c("i64").sum() * c("i64"), id="64 bits"),
        pytest.param(LATE.sum(), id="how many are true"),
        pytest.param(pl.when(LATE).then(1).otherwise(0).sum(), id="how many are one"),
        pytest.param(c("i32").mean() + c("i32").max() + c("i32").median(), id="no sum"),
        pytest.param(c("i32") + 1 - c("i32"), id="plus and minus of 32 bits"),
        pytest.param(c("day").dt.year() * 10_000 + c("day").dt.month().cast(pl.Int32) * 100, id="a day as a number"),
        pytest.param(c("i32") // 100 * 60 + c("i32") % 100, id="a clock as minutes"),
        pytest.param(c("day").dt.hour().cast(pl.Int32) * 3600 + c("day").dt.minute() * 1, id="hours as seconds"),
        pytest.param(c("day").dt.month() + c("day").dt.day() - 1, id="small ones that are smaller still"),
        pytest.param(pl.len() - c("delay").null_count(), id="the rest of a count: nulls"),
        pytest.param(pl.len() - LATE.sum(), id="the rest of a count: trues"),
        pytest.param(pl.len() - c("shop").n_unique(), id="the rest of a count: repetitions"),
        pytest.param(pl.len().over("shop") - c("i32").filter(LATE).count().over("shop"), id="the rest of a group"),
        pytest.param(pl.len().cast(pl.Int64) - 1, id="a count, widened"),
        pytest.param(c("delay").rank("dense") - 1, id="a rank less one"),
        pytest.param(c("u32").diff(), id="diff of unsigned ones is signed"),
        pytest.param((c("i32") * c("i32") + c("i32") * 7).cast(pl.Int32, wrap_numerical=True), id="meant"),
        pytest.param(c("i32").sum().cast(pl.Int32, wrap_numerical=True), id="a sum, meant"),
        pytest.param(c("delay") * c("i32"), id="floats"),
        pytest.param((c("day") - c("day")).sum(), id="durations"),
        pytest.param(c("i32") ** 1, id="a power that is none"),
    ],
)
def test_it_accepts_what_cannot_wrap_or_only_at_the_ends_of_the_earth(expression: pl.Expr, rows: pl.LazyFrame) -> None:
    assert wrapping_integers(rows.select(expression)) == []


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(lambda lf: lf.with_columns(c("i32").cast(pl.Int64)).select(c("i32").sum()), id="widened a step before"),
        pytest.param(
            lambda lf: lf.group_by("shop").agg(n=pl.len(), late=LATE.sum()).with_columns(rest=c("n") - c("late")),
            id="the rest of a count, a step later",
        ),
        pytest.param(lambda lf: pl.SQLContext(t=lf).execute("SELECT count(*) - 1 FROM t"), id="sql counts in Int64"),
        pytest.param(lambda lf: lf.select("no such column"), id="unknown column"),
        pytest.param(lambda lf: lf.select(pl.concat_list("i32").list.eval(pl.element() * 2)), id="unseen expression"),
    ],
)
def test_plans_that_are_passed_over(plan: Plan, rows: pl.LazyFrame) -> None:
    assert wrapping_integers(plan(rows)) == []


@pytest.mark.parametrize("name", QUERIES)
def test_none_of_the_queries_of_tpc_h_is_refused(name: str) -> None:
    assert wrapping_integers(QUERIES[name]()) == []


def test_the_remedy_works_and_so_does_the_word_for_what_is_meant() -> None:
    big = pl.LazyFrame({"sales": pl.Series([2_000_000_000] * 2, dtype=pl.Int32)})
    mended = big.select(c("sales").cast(pl.Int64).sum())
    assert 'pl.col("sales").cast(pl.Int64).sum()' in REMEDY
    assert wrapping_integers(mended) == []
    assert mended.collect().item() == 4_000_000_000
    assert ".cast(pl.Int32, wrap_numerical=True)" in REMEDY
    meant = big.select(c("sales").sum().cast(pl.Int32, wrap_numerical=True))
    assert wrapping_integers(meant) == []
    assert meant.collect().item() == 4_000_000_000 - 2**32


class Term(NamedTuple):
    """An expression, and what each of its rows is worth."""

    expression: pl.Expr
    values: list[int]


@st.composite
def terms(draw: st.DrawFn, columns: dict[str, list[int]]) -> Term:
    """Products, sums and differences of narrow columns and literals, and sums over all rows."""
    name = draw(st.sampled_from(sorted(columns)))
    term = Term(c(name), columns[name])
    summed = False
    for _ in range(draw(st.integers(1, 4))):
        # the sum of a sum is that of one row
        sign = draw(st.sampled_from("+-*%/" if summed else "+-*%/s"))
        summed = summed or sign == "s"
        other = draw(st.sampled_from(sorted(columns)))
        number = draw(st.integers(1, 40))
        pairs = list(zip(term.values, columns[other], strict=True))
        if sign == "+":
            term = Term(term.expression + c(other), [one + two for one, two in pairs])
        elif sign == "-":
            term = Term(term.expression - c(other), [one - two for one, two in pairs])
        elif sign == "*":
            term = Term(term.expression * c(other), [one * two for one, two in pairs])
        elif sign == "%":
            term = Term(term.expression % number, [one % number for one in term.values])
        elif sign == "/":
            term = Term(term.expression // number, [one // number for one in term.values])
        else:
            term = Term(term.expression.sum(), [sum(term.values)] * len(term.values))
    return term


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_whatever_the_guard_accepts_is_exact(data: st.DataObject) -> None:
    # ends of the types, and what is nearer to home
    ends = {"i8": (-128, 127), "i16": (-(2**15), 2**15 - 1), "u8": (0, 255)}
    columns = {
        name: data.draw(st.lists(st.sampled_from([low, high, 0, 1]) | st.integers(low, high), min_size=3, max_size=3))
        for name, (low, high) in ends.items()
    }
    term = data.draw(terms(columns))
    series = {name: pl.Series(values, dtype=TYPES[name]) for name, values in columns.items()}
    plan = pl.LazyFrame(series).with_columns(x=term.expression).select("x")
    if not wrapping_integers(plan):
        assert plan.collect()["x"].to_list() == term.values
