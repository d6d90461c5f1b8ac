"""Published tables as inputs: Delta versions and partitions, and Parquet directories read as their manifest says."""

from __future__ import annotations

import datetime as dt

import polars as pl
from tests.suite.bench import Bench, copying, published

from polarpod.launch.listener import Listener
from polarpod.launch.planes.registry import launcher_of
from polarpod.launch.run import Clock, record

JOBS = (
    copying("whole", 'Delta("{lake}/orders")')
    + copying("first_version", 'Delta("{lake}/orders", version=0)')
    + copying("one_hour", 'Delta("{lake}/orders", where={"day": "{day}", "hour": "{hour}"})')
    + copying("published", 'Parquet("{lake}/orders/*.parquet")', 'Parquet("{lake}/shelf", replace={"day": "{day}"})')
    + copying("again", 'Parquet("{lake}/shelf")')
    + copying("by_glob", 'Parquet("{lake}/shelf/**/*.parquet")')
    + copying(
        "maybe_empty", 'Parquet("{lake}/shelf", allow_empty=True)', 'Delta("{lake}/out", replace={}, allow_empty=True)'
    )
    + """
@job(inputs={"orders": Parquet("{lake}/orders/*.parquet")}, output=Parquet("{lake}/shelf", append=True), memory="512Mi")
def refused(orders):
    return orders.with_columns(pl.col("id").map_elements(lambda _: 1 / 0, return_dtype=pl.Int64))

@job(
    inputs={"orders": Parquet("{lake}/orders/*.parquet")},
    output=Parquet("{lake}/shelf", replace={}, allow_empty=True),
    memory="512Mi",
)
def nothing(orders):
    return orders.head(0)
"""
)


def orders(day: str, *ids: int) -> pl.DataFrame:
    return pl.DataFrame({"id": ids, "day": [day] * len(ids)})


def test_a_table_is_read_at_its_newest_version_or_the_one_asked_for(bench: Bench) -> None:
    bench.put_delta("orders", pl.DataFrame({"id": [1]}))
    bench.put_delta("orders", pl.DataFrame({"id": [2]}), mode="append")
    bench.publish("whole")
    assert bench.rows("out") == [(1,), (2,)]
    bench.publish("first_version")
    assert bench.rows("out") == [(1,)]


def test_where_reads_one_partition_however_its_value_is_spelled(bench: Bench) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3], "day": [dt.date(2024, 2, 1)] * 2 + [dt.date(2024, 2, 2)], "hour": [7, 8, 7]})
    bench.put_delta("orders", frame, partition_by=["day", "hour"])
    assert bench.receipt("one_hour", day="20240201", hour="07").inputs["orders"].files == 1
    assert bench.rows("out", "id") == [(1,)]


def test_another_partition_may_change_without_a_new_run(bench: Bench) -> None:
    frame = pl.DataFrame({"id": [1], "day": ["a"], "hour": [7]})
    bench.put_delta("orders", frame, partition_by=["day", "hour"])
    bench.publish("one_hour", day="a", hour="7")
    bench.put_delta("orders", frame.with_columns(hour=pl.lit(8, pl.Int64)), mode="append")
    assert bench.run("one_hour", day="a", hour="7").verdict.category == "skipped"
    bench.put_delta("orders", frame, mode="append")
    assert bench.publish("one_hour", day="a", hour="7").rows == 2


def test_a_published_directory_is_read_through_its_manifest(bench: Bench) -> None:
    for day, ids in (("2024-02-01", (1, 2, 3)), ("2024-02-02", (4,)), ("2024-02-01", (5,))):
        bench.put("orders/a.parquet", orders(day, *ids))
        bench.publish("published", day=day)
    receipt = bench.receipt("again")
    assert bench.rows("out", "id", "day") == [(4, "2024-02-02"), (5, "2024-02-01")]
    assert receipt.inputs["orders"].files == 2


def test_what_was_staged_and_never_published_is_no_input(bench: Bench) -> None:
    bench.put("orders/a.parquet", pl.DataFrame({"id": range(1000)}))
    bench.fails("refused", "job_failed")
    bench.put_bytes(f"shelf/data/{'0' * 32}/{'0' * 32}-00000.parquet", bench.read_bytes("orders/a.parquet"))
    bench.fails("again", "input_missing", "looked for", "/shelf")


def test_a_glob_into_a_published_directory_is_refused_rather_than_read_stale(bench: Bench) -> None:
    bench.put("orders/a.parquet", orders("x", 1))
    bench.publish("published", day="x")
    bench.fails(
        "by_glob",
        "input_missing",
        "left out: 1 file (polarpod's own: what it publishes is read by the directory's name",
        "without globs",
    )


def test_a_published_directory_without_rows_still_has_columns(bench: Bench) -> None:
    bench.put("orders/a.parquet", orders("x", 1))
    assert bench.publish("nothing").files == 0
    bench.fails("again", "input_empty", "allow_empty=True")
    bench.publish("maybe_empty")
    assert bench.delta("out").schema == {"id": pl.Int64, "day": pl.String}


def test_a_table_is_read_at_the_version_that_was_planned(bench: Bench) -> None:
    bench.put_delta("orders", pl.DataFrame({"id": [1, 2, 3]}))
    context, data = bench.prepare("whole")
    bench.put_delta("orders", pl.DataFrame({"id": [4, 5]}), mode="append")
    ran = record(context, launcher_of(bench.plane).run(context, data, Listener()), bench.state, Clock())
    assert published(ran.receipt).rows == 3
    # the version that came meanwhile is news to the next run
    assert bench.publish("whole").rows == 5
    assert bench.run("whole").verdict.category == "skipped"
