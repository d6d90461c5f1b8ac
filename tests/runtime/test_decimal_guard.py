"""Which Decimal products and quotients the guard objects to.

Excluded: that what it accepts is exact, see test_decimal_exactness.py; how the worker turns a finding into a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import polars as pl
import pytest
from tests.runtime.tpch import QUERIES

from polarpod.runtime.engines.polars.guards.decimal_guard import rounding_products

CENTS = pl.Decimal(15, 2)
PRICE, RATE, COUNT = pl.col("price"), pl.col("rate"), pl.col("count")
WIDE = PRICE.cast(pl.Decimal(38, 4))

PRICE_IN_S, RATE_IN_S = pl.col("s").struct.field("price"), pl.col("s").struct.field("rate")
VALUE = pl.col("value")

Plan = Callable[[pl.LazyFrame], pl.LazyFrame]


@pytest.fixture
def sales() -> pl.LazyFrame:
    return pl.LazyFrame(
        {"price": [Decimal("1.15")], "rate": [Decimal("0.05")], "count": [3], "shop": ["a"]},
        schema_overrides={"price": CENTS, "rate": CENTS},
    )


def test_a_product_is_described_by_its_text_its_types_and_the_scale_it_needs(sales: pl.LazyFrame) -> None:
    (found,) = rounding_products(sales.select(total=(PRICE * RATE).sum()))
    text, types = found.split(": ")
    assert text == 'col("price") * col("rate")'
    assert types == "Decimal(15, 2) * Decimal(15, 2) gives Decimal(38, 2), the exact product needs scale 4"


def test_a_quotient_is_described_too(sales: pl.LazyFrame) -> None:
    assert rounding_products(sales.select(PRICE / 100)) == [
        'col("price") / 100: Decimal(15, 2) / Decimal(38, 0) gives Decimal(38, 2), no finer than what it divides'
    ]


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(lambda lf: lf.select(PRICE * RATE), id="select"),
        pytest.param(lambda lf: lf.select((PRICE * RATE).cast(pl.Decimal(38, 4))), id="the cast comes too late"),
        pytest.param(lambda lf: lf.select(PRICE.cast(pl.Decimal(38, 2)) * RATE), id="the cast is no wider"),
        pytest.param(lambda lf: lf.select(PRICE.cast(pl.Decimal(38, 3)) * RATE), id="the cast is too narrow"),
        pytest.param(lambda lf: lf.select(WIDE * RATE * RATE), id="the third factor has no room"),
        pytest.param(lambda lf: lf.select(PRICE * Decimal("1.19")), id="a literal with places"),
        pytest.param(lambda lf: lf.select(PRICE * (1 - RATE)), id="one minus a rate"),
        pytest.param(lambda lf: lf.filter(PRICE * RATE > 3), id="filter"),
        pytest.param(lambda lf: lf.sort(PRICE * RATE), id="sort"),
        pytest.param(lambda lf: lf.select((PRICE * RATE).sum().over("shop")), id="over"),
        pytest.param(lambda lf: lf.select(pl.lit(1).sum().over(PRICE * RATE)), id="over a product"),
        pytest.param(lambda lf: lf.select(pl.when(COUNT > 1).then(PRICE * RATE)), id="when then"),
        pytest.param(lambda lf: lf.select(pl.struct(total=PRICE * RATE)), id="struct"),
        pytest.param(lambda lf: lf.group_by("shop").agg((PRICE * RATE).sum()), id="group by"),
        pytest.param(lambda lf: lf.select(PRICE.dot(RATE)), id="dot"),
        pytest.param(lambda lf: lf.join_where(lf, PRICE * pl.col("rate_right") > 3), id="join where"),
        pytest.param(lambda lf: lf.join(lf.with_columns(total=PRICE * RATE), on="shop"), id="the join's other side"),
        pytest.param(lambda lf: pl.concat([lf, lf.with_columns(rate=(PRICE * RATE).cast(CENTS))]), id="concat"),
        pytest.param(lambda lf: lf.with_columns(total=PRICE * RATE).cache().unique("shop"), id="below a cache"),
        pytest.param(lambda lf: lf.map_batches(lambda df: df).select(PRICE * RATE), id="above a python function"),
        pytest.param(lambda lf: lf.select(PRICE * RATE).map_batches(lambda df: df), id="below a python function"),
        pytest.param(lambda lf: lf.with_columns(price=WIDE).select(PRICE * RATE * RATE), id="widened a step before"),
        pytest.param(lambda lf: lf.select(PRICE / RATE), id="quotient"),
        pytest.param(lambda lf: lf.select(PRICE * RATE).sink_parquet("never.parquet", lazy=True), id="sink"),
        pytest.param(lambda lf: lf.select((PRICE * RATE).round(1)), id="rounded again, to another scale"),
        pytest.param(lambda lf: lf.select((PRICE * RATE).round(4)), id="rounded to more than there is"),
        pytest.param(lambda lf: lf.select((PRICE * RATE).round(2, mode="half_away_from_zero")), id="rounded another way"),
        pytest.param(lambda lf: lf.select((PRICE * RATE).sum().round(2)), id="rounded after the sum"),
        pytest.param(lambda lf: lf.select(PRICE.product()), id="product of a column"),
        pytest.param(lambda lf: lf.select(PRICE.cum_prod()), id="running product"),
        pytest.param(lambda lf: lf.select(PRICE**2), id="square"),
        pytest.param(lambda lf: lf.select(WIDE.shift(1, fill_value=Decimal("1.234")) * RATE), id="shifted in, too fine"),
        pytest.param(lambda lf: lf.select(pl.max_horizontal(WIDE, WIDE * RATE) * RATE), id="the finest of several"),
        pytest.param(
            lambda lf: lf.select(s=pl.struct(a=WIDE * RATE, b=RATE)).unnest("s").select(pl.col("a") * pl.col("b")),
            id="a struct's finer field",
        ),
        pytest.param(
            lambda lf: lf.select(s=pl.struct(price=PRICE, rate=RATE)).select(PRICE_IN_S * RATE_IN_S),
            id="fields of a struct",
        ),
        pytest.param(
            lambda lf: (
                lf.with_columns(fine=WIDE * RATE, price=WIDE)
                .unpivot(on=["price", "fine"], index=["rate"])
                .select(VALUE * RATE)
            ),
            id="unpivoted with a finer column",
        ),
        pytest.param(lambda lf: lf.select(WIDE.interpolate() * RATE), id="values in between"),
        pytest.param(
            lambda lf: lf.with_columns(price=WIDE).map_batches(lambda df: df).select(PRICE * RATE), id="made in python"
        ),
    ],
)
def test_it_objects_wherever_the_product_stands(
    plan: Plan, sales: pl.LazyFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(rounding_products(plan(sales))) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(lambda lf: lf.select(WIDE * RATE), id="first factor widened"),
        pytest.param(lambda lf: lf.select(PRICE * RATE.cast(pl.Decimal(38, 4))), id="second factor widened"),
        pytest.param(lambda lf: lf.select(WIDE * RATE.cast(pl.Decimal(38, 4))), id="both widened"),
        pytest.param(lambda lf: lf.select(PRICE.cast(pl.Decimal(38, 6)) * (1 - RATE) * (1 + RATE)), id="three factors"),
        pytest.param(lambda lf: lf.select((WIDE * RATE).round(2) * COUNT), id="rounded on purpose"),
        pytest.param(lambda lf: lf.select((WIDE * RATE).round(2).cast(pl.Decimal(38, 4)) * RATE), id="rounded before"),
        pytest.param(lambda lf: lf.with_columns(price=WIDE).filter(COUNT > 1).select(PRICE * RATE), id="a step before"),
        pytest.param(
            lambda lf: lf.join(lf.select("shop", wide=WIDE), on="shop").select(pl.col("wide") * RATE),
            id="widened before a join",
        ),
        pytest.param(
            lambda lf: pl.concat([lf.with_columns(price=WIDE)] * 2).with_row_index().select(PRICE * RATE),
            id="widened before a concat",
        ),
        pytest.param(
            lambda lf: lf.group_by("shop").agg(PRICE.sum().cast(pl.Decimal(38, 4)), RATE.max()).select(PRICE * RATE),
            id="widened sum",
        ),
        pytest.param(lambda lf: lf.select(PRICE * 3, PRICE * COUNT), id="integers"),
        pytest.param(lambda lf: lf.select(PRICE * Decimal(3), PRICE * Decimal("2.00")), id="whole literals"),
        pytest.param(lambda lf: lf.select(PRICE * 1.19, PRICE.cast(pl.Float64) * RATE), id="floats, as somebody chose"),
        pytest.param(lambda lf: lf.select(PRICE.cast(pl.Decimal(38, 6)) / RATE), id="a quotient of a chosen scale"),
        pytest.param(lambda lf: lf.select(PRICE + RATE, PRICE - RATE, PRICE % RATE, PRICE // RATE), id="no product"),
        pytest.param(lambda lf: pl.SQLContext(t=lf).execute("SELECT price * rate FROM t"), id="sql sums the scales"),
        pytest.param(lambda lf: lf.select((PRICE * RATE).round(2), (PRICE / 7).round(2)), id="rounded at once"),
        pytest.param(
            lambda lf: lf.select(PRICE.cast(pl.Float64) / RATE, PRICE.cast(pl.Float64) ** 2), id="a ratio of floats"
        ),
        pytest.param(lambda lf: lf.select(PRICE.cast(pl.Decimal(38, 4)).cast(pl.Float64) ** 2), id="a power of floats"),
        pytest.param(lambda lf: lf.select(WIDE.cast(pl.Decimal(38, 6)) ** 2, WIDE**1, COUNT**2), id="a power with room"),
        pytest.param(lambda lf: lf.select(COUNT.cast(pl.Decimal(38, 0)).product()), id="product of whole numbers"),
        *(
            pytest.param(lambda lf, made=made: lf.select(made * RATE), id=name)
            for name, made in {
                "shift": WIDE.shift(1),
                "shift and fill": WIDE.shift(1, fill_value=Decimal("0.50")),
                "diff": WIDE.diff(),
                "cum_sum": WIDE.cum_sum(),
                "cum_max over": WIDE.cum_max().over("shop"),
                "forward_fill": WIDE.forward_fill(),
                "fill_null backward": WIDE.fill_null(strategy="backward"),
                "max_horizontal": pl.max_horizontal(WIDE, RATE),
                "sum_horizontal": pl.sum_horizontal(WIDE, RATE),
                "replace": WIDE.replace(Decimal("1.15"), Decimal("2.00")),
                "replace_strict": WIDE.replace_strict(
                    [Decimal("1.15")], [Decimal("2.00")], default=WIDE, return_dtype=pl.Decimal(38, 4)
                ),
                "rolling_sum": WIDE.rolling_sum(2),
                "reverse": WIDE.reverse(),
                "list.sum": WIDE.implode().over("shop", mapping_strategy="join").list.sum(),
            }.items()
        ),
        pytest.param(
            lambda lf: lf.select(s=pl.struct(price=WIDE, rate=RATE)).unnest("s").select(PRICE * RATE), id="struct and unnest"
        ),
        pytest.param(
            lambda lf: lf.group_by("shop").agg(s=pl.struct(price=WIDE, rate=RATE).first()).unnest("s").select(PRICE * RATE),
            id="struct, aggregated",
        ),
        pytest.param(
            lambda lf: lf.select(s=pl.struct(price=WIDE, rate=RATE)).select(PRICE_IN_S * RATE_IN_S), id="fields of a struct"
        ),
        pytest.param(
            lambda lf: lf.with_columns(price=WIDE).unpivot(on=["price"], index=["rate"]).select(VALUE * RATE), id="unpivot"
        ),
        pytest.param(
            lambda lf: (
                lf.group_by("shop")
                .agg("price", "rate")
                .with_columns(PRICE.cast(pl.List(pl.Decimal(38, 4))))
                .explode("price", "rate")
                .select(PRICE * RATE)
            ),
            id="explode of a cast list",
        ),
    ],
)
def test_it_accepts_what_loses_nothing_unasked(plan: Plan, sales: pl.LazyFrame) -> None:
    assert rounding_products(plan(sales)) == []


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(lambda lf: lf.select("no such column"), id="unknown column"),
        pytest.param(lambda lf: pl.scan_parquet("no such file.parquet"), id="missing file"),
        pytest.param(lambda lf: lf.select(pl.col("shop") * 2), id="wrong types"),
        pytest.param(lambda lf: lf.select(pl.concat_list("price").list.eval(pl.element() * 2)), id="unseen expression"),
    ],
)
def test_a_plan_it_cannot_read_is_passed_over(plan: Plan, sales: pl.LazyFrame) -> None:
    assert rounding_products(plan(sales)) == []


def test_what_is_rounded_at_once_is_rounded_half_to_even_from_the_exact_product() -> None:
    halves = [Decimal(n) / 100 for n in range(-60, 60, 5)]
    lf = pl.LazyFrame({"price": halves, "rate": [Decimal("0.50")] * len(halves)}, schema={"price": CENTS, "rate": CENTS})
    found = lf.select(product=(PRICE * RATE).round(2), quotient=(PRICE / 2).round(2)).collect()
    exact = [(value / 2).quantize(Decimal("0.01"), ROUND_HALF_EVEN) for value in halves]
    assert found["product"].to_list() == exact
    assert found["quotient"].to_list() == exact


@pytest.mark.parametrize("name", QUERIES)
def test_of_the_queries_of_tpc_h_those_are_refused_that_plain_polars_answers_wrongly(name: str) -> None:
    multiplies_decimals = {"q1", "q3", "q5", "q6", "q7", "q8", "q9", "q10", "q14", "q15", "q19"}
    assert bool(rounding_products(QUERIES[name]())) is (name in multiplies_decimals)


def test_a_delta_table_is_looked_at_without_hanging(sales: pl.LazyFrame, tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    sales.collect().write_delta(tmp_path)
    assert len(rounding_products(pl.scan_delta(tmp_path).select(PRICE * RATE))) == 1


def test_nothing_is_run(sales: pl.LazyFrame) -> None:
    def explode(_: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("the plan was run")

    assert len(rounding_products(sales.map_batches(explode).select(PRICE * RATE))) == 1


def test_a_long_plan_is_looked_at_without_recursion(sales: pl.LazyFrame) -> None:
    lf = sales.with_columns(price=WIDE)
    for step in range(300):
        lf = lf.with_columns(count=COUNT + step)
    assert rounding_products(lf.select(PRICE * RATE)) == []
    assert len(rounding_products(lf.select(PRICE * RATE * RATE))) == 1
