"""Delta outputs that replace: a partition, several, the whole table, or what a predicate selects."""

from __future__ import annotations

import polars as pl
from tests.suite.bench import Bench, copying

ORDERS = 'Parquet("{lake}/orders/*.parquet")'
JOBS = (
    copying("by_day", ORDERS, 'Delta("{lake}/out", replace={"day": "{day}"}, allow_empty=True)')
    + copying("by_hour", ORDERS, 'Delta("{lake}/out", replace={"day": "{day}"}, partition_by=["day", "hour"])')
    + copying("everything", ORDERS, 'Delta("{lake}/out", replace={}, partition_by=["day"])')
    + copying("by_predicate", ORDERS, """Delta("{lake}/out", replace="day = {day} AND id >= {low}", partition_by=["day"])""")
    + """
@job(
    inputs={"orders": Parquet("{lake}/orders/*.parquet")},
    output=Delta("{lake}/out", replace={"hour": "{hour}", "late": "{late}"}),
    memory="512Mi",
)
def by_typed_parts(orders, *, hour, late):
    return orders.select("id", hour=pl.lit(int(hour), pl.Int32), late=pl.lit(late == "TRUE"))

@job(
    inputs={"orders": Parquet("{lake}/orders/*.parquet")},
    output=Delta("{lake}/out", replace={"day": "{day}"}, allow_empty=True),
    memory="512Mi",
)
def filtered(orders, *, day):
    return orders.filter(pl.col("day") == day)
"""
)


def put_orders(bench: Bench, *rows: tuple[int, str, int]) -> None:
    bench.put("orders/a.parquet", pl.DataFrame(rows, schema=["id", "day", "hour"], orient="row"))


def test_a_run_replaces_its_own_partition_and_no_other(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7), (2, "mon", 8))
    assert bench.publish("by_day", day="mon").version == 0
    put_orders(bench, (3, "tue", 7))
    bench.publish("by_day", day="tue")
    put_orders(bench, (4, "mon", 9))
    assert bench.publish("by_day", day="mon").version == 2
    assert bench.rows("out", "id", "day") == [(3, "tue"), (4, "mon")]


def test_a_rerun_with_fewer_partitions_leaves_no_stale_rows(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7), (2, "mon", 8), (3, "mon", 9))
    assert bench.publish("by_hour", day="mon").files == 3
    put_orders(bench, (4, "tue", 7))
    bench.publish("by_hour", day="tue")
    put_orders(bench, (5, "mon", 8))
    assert bench.publish("by_hour", day="mon").files == 1
    assert bench.rows("out", "id", "day", "hour") == [(4, "tue", 7), (5, "mon", 8)]


def test_a_whole_table_is_replaced(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7), (2, "tue", 8))
    bench.publish("everything")
    put_orders(bench, (3, "wed", 7))
    bench.publish("everything")
    assert bench.rows("out", "id", "day") == [(3, "wed")]


def test_a_predicate_says_what_is_replaced_and_a_quote_cannot_change_it(bench: Bench) -> None:
    there = pl.DataFrame({"id": [1, 5, 6], "day": ["it's", "it's", "x"], "hour": [0] * 3})
    bench.put_delta("out", there, partition_by=["day"])
    put_orders(bench, (7, "it's", 1), (8, "it's", 1))
    bench.publish("by_predicate", day="it's", low="5")
    assert bench.rows("out", "id", "day") == [(1, "it's"), (6, "x"), (7, "it's"), (8, "it's")]
    put_orders(bench, (9, "it's", 1))
    bench.publish("by_predicate", day="it's", low="5")
    assert bench.rows("out", "id") == [(1,), (6,), (9,)]


def test_a_predicate_makes_its_own_table(bench: Bench) -> None:
    put_orders(bench, (7, "mon", 1))
    bench.publish("by_predicate", day="mon", low="5")
    assert bench.rows("out") == [(7, "mon", 1)]


def test_an_empty_output_empties_its_partition_and_leaves_no_files(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7), (2, "tue", 7))
    for day in ("mon", "tue"):
        bench.publish("filtered", day=day)
    put_orders(bench, (2, "tue", 7))
    done = bench.publish("filtered", day="mon")
    assert (done.rows, done.files, done.bytes) == (0, 0, 0)
    assert bench.rows("out", "id", "day") == [(2, "tue")]
    assert len([name for name in bench.files("out") if name.endswith(".parquet")]) == 2


def test_a_partition_is_its_value_not_the_text_it_was_asked_for_with(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 7))
    bench.publish("by_typed_parts", hour="07", late="TRUE")
    put_orders(bench, (2, "mon", 7))
    bench.publish("by_typed_parts", hour="07", late="TRUE")
    assert bench.rows("out", "id", "hour", "late") == [(2, 7, True)]
