"""That what the decimal guard asks for is exact: held against Python's own decimals, on chosen and on random values."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod.runtime.engines.polars.guards.decimal_guard import REMEDY, rounding_products

# Python rounds to 28 digits by default, fewer than a Decimal(38, s) holds.
EXACT = Context(prec=200)
COLUMNS = {"a": 0, "b": 1, "c": 2, "d": 4}


class Term(NamedTuple):
    """An expression, and what it is worth."""

    expression: pl.Expr
    value: Decimal


def widened(term: Term, scale: int) -> Term:
    return Term(term.expression.cast(pl.Decimal(38, scale)), term.value)


def product(left: Term, right: Term) -> Term:
    return Term(left.expression * right.expression, EXACT.multiply(left.value, right.value))


def added(left: Term, right: Term) -> Term:
    return Term(left.expression + right.expression, EXACT.add(left.value, right.value))


@st.composite
def terms(draw: st.DrawFn, row: dict[str, Decimal]) -> Term:
    """Up to four factors and summands, each widened or not; never narrowed, which would be rounding on purpose."""
    term: Term | None = None
    for name in draw(st.lists(st.sampled_from(sorted(row)), min_size=2, max_size=4)):
        operand = Term(pl.col(name), row[name])
        if draw(st.booleans()):
            operand = widened(operand, draw(st.integers(COLUMNS[name], 10)))
        term = operand if term is None else draw(st.sampled_from([product, product, added]))(term, operand)
    assert term is not None
    return term


@given(st.data())
def test_whatever_the_guard_accepts_is_exact(data: st.DataObject) -> None:
    row = {name: data.draw(st.decimals(-99, 99, places=scale), label=name) for name, scale in COLUMNS.items()}
    types = {name: pl.Decimal(8, scale) for name, scale in COLUMNS.items()}
    term = data.draw(terms(row))
    plan = pl.LazyFrame({name: [value] for name, value in row.items()}, schema=types).select(x=term.expression)

    if not rounding_products(plan):
        assert plan.collect().item() == term.value


@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15))
def test_the_remedy_is_exact(price: int, quantity: int) -> None:
    code = re.search(r'pl\.col\("price"\).*? \* pl\.col\("quantity"\)', REMEDY)
    assert code
    remedy: pl.Expr = eval(code[0], {"pl": pl})  # what a reader of REMEDY would copy
    row = {"price": Decimal(price).scaleb(-2), "quantity": Decimal(quantity).scaleb(-2)}
    plan = pl.LazyFrame({name: [value] for name, value in row.items()}, schema=dict.fromkeys(row, pl.Decimal(18, 2)))

    assert rounding_products(plan.select(remedy)) == []
    assert plan.select(remedy).collect().item() == EXACT.multiply(row["price"], row["quantity"])


@pytest.mark.parametrize(
    ("left", "right", "exact"),
    [
        pytest.param(pl.Decimal(15, 2), pl.Decimal(15, 2), False, id="as it comes"),
        pytest.param(pl.Decimal(38, 2), pl.Decimal(38, 2), False, id="more digits, same scale"),
        pytest.param(pl.Decimal(38, 3), pl.Decimal(38, 3), False, id="both widened by one"),
        pytest.param(pl.Decimal(38, 4), pl.Decimal(15, 2), True, id="first factor widened"),
        pytest.param(pl.Decimal(15, 2), pl.Decimal(38, 4), True, id="second factor widened"),
        pytest.param(pl.Decimal(38, 4), pl.Decimal(38, 4), True, id="both widened"),
    ],
)
def test_a_cast_before_multiplying_is_what_decides(left: pl.Decimal, right: pl.Decimal, exact: bool) -> None:
    price = Decimal("1.15")
    plan = pl.LazyFrame({"x": [price]}, schema={"x": pl.Decimal(15, 2)})
    plan = plan.select(pl.col("x").cast(left) * pl.col("x").cast(right))

    assert (plan.collect().item() == price * price) is exact
    assert (not rounding_products(plan)) is exact


def test_a_product_too_large_for_its_scale_fails_instead_of_rounding() -> None:
    row = {"price": [Decimal("9" * 34)], "rate": [Decimal("99.99")]}
    plan = pl.LazyFrame(row, schema={"price": pl.Decimal(38, 2), "rate": pl.Decimal(15, 2)})
    with pytest.raises(pl.exceptions.ComputeError, match="overflow in decimal multiplication"):
        plan.select(pl.col("price").cast(pl.Decimal(38, 4)) * pl.col("rate")).collect()
