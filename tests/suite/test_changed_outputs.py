"""Outputs that are not what is published there, or not the run's to publish: told by column and value, nothing touched."""

from __future__ import annotations

import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import not_in_a_pod, on_disk

from polarpod.contract.verdict import PolarpodError

ORDERS = 'Parquet("{lake}/orders.parquet")'
JOBS = (
    copying("delta", ORDERS, 'Delta("{lake}/out", replace={"day": "{day}"})')
    + copying("parquet", ORDERS, 'Parquet("{lake}/shelf", replace={"day": "{day}"})')
    + copying("appended", ORDERS, 'Delta("{lake}/out", append=True)')
    + copying("merged", ORDERS, 'Delta("{lake}/out", merge=["id"])')
    + copying("by_predicate", ORDERS, 'Delta("{lake}/other", replace="id >= {low}")', params="low")
    + copying("by_hour", ORDERS, 'Delta("{lake}/out", replace={"hour": "{hour}"})')
    + """
@job(inputs={"orders": Parquet("{lake}/orders.parquet")}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def rounding(orders):
    return orders.select(total=pl.col("price") * pl.col("rate"))

@job(inputs={"orders": Parquet("{lake}/orders.parquet")}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def summing(orders):
    return orders.select(pl.col("sales").sum())
"""
)
GOOD = pl.DataFrame({"id": [1], "price": [0.5], "day": ["mon"]})
CHANGES = [
    pytest.param(GOOD.with_columns(pl.col("price").cast(pl.String)), "price: ", id="type"),
    pytest.param(GOOD.drop("price"), "gone: price", id="missing"),
    pytest.param(GOOD.with_columns(note=pl.lit("x")), "new: note", id="new"),
]


@pytest.mark.parametrize(("changed", "named"), CHANGES)
def test_a_delta_table_keeps_its_columns(bench: Bench, changed: pl.DataFrame, named: str) -> None:
    bench.put_delta("out", GOOD, partition_by=["day"])
    bench.put("orders.parquet", changed)
    words = ("no longer has the columns", f"{bench.lake}/out", named, "evolve the table first")
    bench.fails("delta", "output_mismatch", *words, day="mon")
    assert bench.rows("out") == GOOD.rows()


@pytest.mark.parametrize(("changed", "named"), CHANGES)
@on_disk
def test_a_parquet_directory_keeps_its_columns(bench: Bench, changed: pl.DataFrame, named: str) -> None:
    bench.put("orders.parquet", GOOD)
    bench.publish("parquet", day="mon")
    bench.put("orders.parquet", changed.with_columns(day=pl.lit("tue")))
    bench.fails("parquet", "output_mismatch", "no longer has the columns", named, "evolve the table first", day="tue")


@on_disk
@pytest.mark.parametrize("name", [pytest.param("appended", id="append"), pytest.param("by_hour", id="replace")])
def test_files_never_go_beside_the_partitions_of_a_table(bench: Bench, name: str) -> None:
    frame = GOOD.with_columns(hour=pl.lit("7"))
    bench.put_delta("out", frame, partition_by=["day"])
    bench.put("orders.parquet", frame)
    params = {"hour": "7"} if name == "by_hour" else {}
    bench.fails(name, "output_mismatch", "partition_by: ['day'] there,", **params)


@on_disk
def test_a_merge_follows_the_partitions_of_its_table(bench: Bench) -> None:
    bench.put_delta("out", GOOD, partition_by=["day"])
    bench.put("orders.parquet", GOOD.with_columns(price=pl.lit(9.0)))
    bench.publish("merged")
    assert bench.rows("out", "id", "price", "day") == [(1, 9.0, "mon")]


@on_disk
def test_an_output_without_its_partition_column_says_which_it_has(bench: Bench) -> None:
    bench.put("orders.parquet", GOOD.drop("day"))
    words = ("lacks its partition column day", "columns: id, price", "with_columns(ds=pl.lit(ds))")
    bench.fails("delta", "output_mismatch", *words, day="mon")


@pytest.mark.parametrize("name", [pytest.param("delta", id="delta"), pytest.param("parquet", id="parquet")])
def test_rows_of_another_partition_are_refused(bench: Bench, name: str) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": [1, 2, 3], "day": ["mon", "tue", None]}))
    words = ("rows outside the partition this run owns (day = mon)", "day = tue", "day = None", "Filter the rows")
    bench.fails(name, "output_mismatch", *words, day="mon")


@on_disk
def test_rows_outside_a_predicate_are_refused(bench: Bench) -> None:
    bench.put_delta("other", GOOD)
    bench.put("orders.parquet", GOOD)
    words = ("rows outside the part of the table that this run replaces", "Filter the rows")
    bench.fails("by_predicate", "output_mismatch", *words, low="2")


@on_disk
def test_a_parameter_that_is_no_value_of_its_column_is_named(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame({"hour": [7], "id": [1]}))
    bench.fails("by_hour", "output_mismatch", "(hour = seven) is no Int64", hour="seven")


@on_disk
def test_a_product_of_decimals_that_would_round_is_refused_with_the_cast_that_would_not(bench: Bench) -> None:
    made = pl.DataFrame({"price": ["1.15"], "rate": ["1.15"]}).cast(pl.Decimal(10, 2))
    bench.put("orders.parquet", made)
    words = ('col("price") * col("rate")', "the exact product needs scale 4", "pl.Decimal(38, 4)")
    bench.fails("rounding", "decimal_rounding", *words)


@on_disk
@not_in_a_pod("a plan is looked at in the same way everywhere")
def test_a_sum_of_integers_that_would_wrap_is_refused_with_the_cast_that_would_not(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame({"sales": [2_000_000_000] * 2}, schema={"sales": pl.Int32}))
    words = ('sum(col("sales"))', "ends at 2,147,483,647", 'pl.col("sales").cast(pl.Int64).sum()', "wrap_numerical=True")
    bench.fails("summing", "integer_overflow", *words)


@on_disk
@not_in_a_pod("no worker is started")
@pytest.mark.parametrize(
    ("name", "folder"), [("delta", "out"), ("parquet", "shelf"), ("appended", "out"), ("merged", "out")]
)
def test_no_worker_is_started_for_an_output_in_a_folder_of_others(bench: Bench, name: str, folder: str) -> None:
    bench.put("orders.parquet", GOOD)
    bench.put(f"{folder}/theirs.parquet", GOOD)
    params = {} if name in ("appended", "merged") else {"day": "mon"}
    words = ("has Parquet files that polarpod has not written", f"{bench.lake}/{folder}", "there: theirs.parquet")
    assert bench.fails(name, "publish_refused", *words, **params).attempts == 0
    with pytest.raises(PolarpodError, match="has Parquet files that polarpod has not written"):
        bench.plan(name, **params)
