"""The fail policy, input checks, keys and group rules: one bad row stops the run, counted by rule."""

from __future__ import annotations

import polars as pl
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk

JOBS = """
class Sale(dy.Schema):
    id = dy.Int64(primary_key=True)
    shop = dy.String(nullable=False)
    amount = dy.Int64(nullable=False, min=0)

    @dy.rule()
    def small_sales_are_of_shop_a(cls):
        return (pl.col("amount") > 10) | (pl.col("shop") == "a")

    @dy.rule()
    def at_most_two_sales_a_shop(cls):
        return pl.len().over("shop") <= 2

ORDERS = {"orders": Parquet("{lake}/orders.parquet")}

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), checks=Sale, memory="512Mi")
def checked(orders):
    return orders

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), input_checks={"orders": Sale}, memory="512Mi")
def checked_input(orders):
    return orders.filter(pl.col("amount") >= 0)
"""


def put_sales(bench: Bench, *rows: tuple[int | None, str, int]) -> None:
    bench.put("orders.parquet", pl.DataFrame(rows, schema={"id": pl.Int64, "shop": str, "amount": int}, orient="row"))


def test_good_rows_pass_all_rules(bench: Bench) -> None:
    put_sales(bench, (1, "a", 5), (2, "b", 50), (3, "b", 60))
    receipt = bench.receipt("checked")
    assert receipt.checks is not None
    assert (receipt.checks.rows_checked, receipt.checks.rows_failed, receipt.checks.rules) == (3, 0, {})
    assert len(bench.rows("out")) == 3


def test_bad_rows_stop_the_run_and_are_counted_by_rule(bench: Bench) -> None:
    bench.put_delta("out", pl.DataFrame({"id": [0], "shop": ["a"], "amount": [1]}))
    put_sales(bench, (1, "a", -1), (1, "a", -2), (2, "b", 5), (None, "b", 50), (4, "c", 50), (5, "c", 50), (6, "c", 50))
    words = [
        "7 of 7 rows break Sale, none may; nothing was published",
        "at_most_two_sales_a_shop: 3 rows",
        "primary_key: 2 rows",
        "amount|min: 2 rows",
        "id|nullability: 1 rows",
        "small_sales_are_of_shop_a: 1 rows",
        "Mend the data or the rule",
    ]
    ran = bench.fails("checked", "checks_failed", *words)
    assert ran.receipt is not None
    assert ran.receipt.checks is not None
    assert (ran.receipt.checks.rows_checked, ran.receipt.checks.rows_failed) == (7, 7)
    assert ran.receipt.checks.rules["primary_key"] == 2
    assert bench.rows("out", "id") == [(0,)]


@on_disk
def test_inputs_are_checked_before_anything_is_made_of_them(bench: Bench) -> None:
    put_sales(bench, (1, "a", 5), (2, "a", -1))
    words = ("input 'orders' breaks Sale", "amount|min: 1 rows", "Mend the step that delivers it")
    bench.fails("checked_input", "checks_failed", *words)
    put_sales(bench, (1, "a", 5))
    assert bench.publish("checked_input").rows == 1


@on_disk
def test_columns_that_the_schema_does_not_know_are_named(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": [1.5], "amount": [1], "extra": [0]}))
    words = ("missing: shop", "extra: extra (Int64)", "id: Float64 instead of Int64", "agree")
    bench.fails("checked", "output_mismatch", "the output does not have the columns of Sale", *words)
    bench.fails("checked_input", "input_mismatch", "input 'orders' does not have the columns of Sale", *words)
