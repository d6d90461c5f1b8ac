"""Parquet outputs: what a reader of the manifest sees, whoever wrote before."""

from __future__ import annotations

import polars as pl
from tests.suite.bench import Bench, copying

ORDERS = 'Parquet("{lake}/orders/*.parquet")'
JOBS = (
    copying("by_day", ORDERS, 'Parquet("{lake}/shelf", replace={"day": "{day}"}, partition_by=["day", "hour"])')
    + copying("everything", ORDERS, 'Parquet("{lake}/shelf", replace={})')
    + copying("added", ORDERS, 'Parquet("{lake}/shelf", append=True)', params="batch")
    + copying("added_too", ORDERS, 'Parquet("{lake}/shelf", append=True)', params="batch")
    + """
@job(
    inputs={"orders": Parquet("{lake}/orders/*.parquet")},
    output=Parquet("{lake}/shelf", replace={"day": "{day}"}, allow_empty=True),
    memory="512Mi",
)
def filtered(orders, *, day):
    return orders.filter(pl.col("day") == day)
"""
)


def put_orders(bench: Bench, *rows: tuple[int, str, int]) -> None:
    bench.put("orders/a.parquet", pl.DataFrame(rows, schema=["id", "day", "hour"], orient="row"))


def test_a_run_replaces_its_own_partition_with_all_its_folders(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7), (2, "mon", 8))
    assert bench.publish("by_day", day="mon").files == 2
    put_orders(bench, (3, "tue", 7))
    bench.publish("by_day", day="tue")
    put_orders(bench, (4, "mon", 9))
    done = bench.publish("by_day", day="mon")
    assert (done.version, done.rows, done.files) == (3, 1, 1)
    assert bench.listed("shelf", "id", "day", "hour") == [(3, "tue", "7"), (4, "mon", "9")]


def test_the_whole_is_replaced(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7), (2, "tue", 8))
    bench.publish("everything")
    put_orders(bench, (3, "wed", 7))
    bench.publish("everything")
    assert bench.listed("shelf") == [(3, "wed", 7)]


def test_jobs_that_append_with_the_same_parameters_do_not_replace_each_other(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7))
    for name, batch in (("added", "1"), ("added", "2"), ("added_too", "1")):
        bench.publish(name, batch=batch)
    assert bench.listed("shelf", "id") == [(1,)] * 3


def test_an_empty_output_empties_its_partition(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7), (2, "tue", 7))
    for day in ("mon", "tue"):
        bench.publish("filtered", day=day)
    put_orders(bench, (2, "tue", 7))
    bench.publish("filtered", day="mon")
    assert bench.listed("shelf", "id", "day") == [(2, "tue")]
