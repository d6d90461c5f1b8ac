"""Inputs that are not there, or hold nothing: what was looked for, before a worker is started where that can be known."""

from __future__ import annotations

import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import not_in_a_pod, on_disk

from polarpod.contract.verdict import Category, PolarpodError, exit_code_of

SCHEMA = 'schema={"id": "Int64"}'
JOBS = (
    copying("one_file", 'Parquet("{lake}/orders/day={day}/orders.parquet")')
    + copying("by_glob", 'Csv("{lake}/orders/day={day}/*.csv")')
    + copying("by_folder", 'NdJson("{lake}/orders/day={day}")')
    + copying("by_table", 'Delta("{lake}/table")', params="day")
    + copying("by_version", 'Delta("{lake}/table", version=7)')
    + copying("by_column", 'Delta("{lake}/table", where={"id": "1"})')
    + copying("parquet", 'Parquet("{lake}/orders/*.parquet")')
    + copying("csv", f'Csv("{{lake}}/orders/*.csv", {SCHEMA})')
    + copying("guessed_csv", 'Csv("{lake}/orders/*.csv")')
    + copying("ndjson", f'NdJson("{{lake}}/orders/*.ndjson", {SCHEMA})')
    + copying("guessed_ndjson", 'NdJson("{lake}/orders/*.ndjson")')
    + copying("delta", 'Delta("{lake}/table")')
    + copying("by_partition", 'Delta("{lake}/table", where={"day": "{day}"})')
    + copying(
        "maybe_partition",
        'Delta("{lake}/table", where={"day": "{day}"}, allow_empty=True)',
        'Delta("{lake}/out", replace={}, allow_empty=True)',
    )
    + copying(
        "maybe",
        f'Csv("{{lake}}/orders/*.csv", {SCHEMA}, allow_empty=True)',
        'Delta("{lake}/out", replace={}, allow_empty=True)',
    )
    + """
@job(inputs={"orders": Parquet("{lake}/orders/*.parquet")}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def filtered(orders):
    return orders.filter(pl.col("id") > 100)
"""
)


@pytest.mark.parametrize(
    ("name", "looked_for"),
    [
        pytest.param("one_file", "/orders/day=mon/orders.parquet", id="file"),
        pytest.param("by_glob", "/orders/day=mon/*.csv", id="glob"),
        pytest.param("by_folder", "/orders/day=mon", id="folder"),
        pytest.param("by_table", "/table/_delta_log", id="table"),
    ],
)
def test_a_missing_input_says_what_was_looked_for(bench: Bench, name: str, looked_for: str) -> None:
    bench.put("orders/day=tue/orders.parquet", pl.DataFrame({"id": [1]}))
    words = ("input 'orders' is not there", f"looked for {bench.lake}{looked_for}", "the right day")
    assert bench.fails(name, "input_missing", *words, day="mon").attempts == 0


@on_disk
def test_a_version_that_a_table_never_had_is_named(bench: Bench) -> None:
    bench.put_delta("table", pl.DataFrame({"id": [1]}))
    assert bench.fails("by_version", "input_missing", "version 7").attempts == 0


@on_disk
def test_a_partition_is_not_chosen_by_a_column_that_is_none(bench: Bench) -> None:
    bench.put_delta("table", pl.DataFrame({"id": [1]}))
    bench.fails("by_column", "input_mismatch", "not partitioned by id", "partitioned by: nothing", "filter the rest")


@pytest.mark.parametrize(
    ("name", "path", "data"),
    [
        pytest.param("csv", "orders/a.csv", b"", id="csv-of-no-bytes"),
        pytest.param("guessed_csv", "orders/a.csv", b"", id="undeclared-csv-of-no-bytes"),
        pytest.param("csv", "orders/a.csv", b"id\n", id="csv-of-a-header"),
        pytest.param("ndjson", "orders/a.ndjson", b"", id="ndjson-of-no-bytes"),
        pytest.param("guessed_ndjson", "orders/a.ndjson", b"", id="undeclared-ndjson-of-no-bytes"),
    ],
)
@on_disk
def test_an_empty_text_file_is_an_empty_input(bench: Bench, name: str, path: str, data: bytes) -> None:
    bench.put_bytes(path, data)
    bench.fails(name, "input_empty", "Check the step that delivers it")


PART = {"csv": b"id\n1\n", "ndjson": b'{"id": 1}\n'}


@pytest.mark.parametrize("name", ["csv", "guessed_csv", "ndjson", "guessed_ndjson"])
def test_an_empty_file_beside_others_is_named(bench: Bench, name: str) -> None:
    kind = name.rpartition("_")[2]
    bench.put_bytes(f"orders/a.{kind}", PART[kind])
    bench.put_bytes(f"orders/b.{kind}", b"")
    words = ("a file without a single line", f"orders/b.{kind}: empty", "deliver the file again", "allow_empty=True")
    bench.fails(name, "input_empty", *words)


def test_an_empty_file_beside_others_is_read_where_that_is_normal(bench: Bench) -> None:
    bench.put_bytes("orders/a.csv", PART["csv"])
    bench.put_bytes("orders/b.csv", b"")
    assert bench.publish("maybe").rows == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("csv", b"id\n", id="csv-of-a-header"),
        pytest.param("ndjson", b"\n", id="ndjson-of-a-blank-line"),
    ],
)
def test_a_whole_file_without_rows_is_no_empty_file(bench: Bench, name: str, data: bytes) -> None:
    bench.put_bytes(f"orders/a.{name}", PART[name])
    bench.put_bytes(f"orders/b.{name}", data)
    assert bench.publish(name).rows == 1


def test_no_rows_are_an_empty_input_unless_that_is_a_normal_day(bench: Bench) -> None:
    bench.put("orders/a.parquet", pl.DataFrame(schema={"id": pl.Int64}))
    words = ("input 'orders' has no rows", f"{bench.lake}/orders/*.parquet: 1 files", "0 rows", "allow_empty=True")
    bench.fails("parquet", "input_empty", *words)
    bench.put_bytes("orders/a.csv", b"")
    assert bench.publish("maybe").rows == 0


@on_disk
def test_a_table_without_rows_is_an_empty_input(bench: Bench) -> None:
    bench.put_delta("table", pl.DataFrame(schema={"id": pl.Int64}))
    assert bench.fails("delta", "input_empty", "input 'orders' has no rows", "0 files").attempts == 0


@on_disk
@not_in_a_pod("no worker is started")
def test_a_partition_that_is_not_there_is_refused_before_a_worker_is_started_unless_that_is_a_normal_day(
    bench: Bench,
) -> None:
    bench.put_delta("table", pl.DataFrame({"id": [1], "day": ["mon"]}), partition_by=["day"])
    words = ("input 'orders' has no rows", "0 files", "allow_empty=True")
    assert bench.fails("by_partition", "input_empty", *words, day="tue").attempts == 0
    with pytest.raises(PolarpodError, match="input 'orders' has no rows") as caught:
        bench.plan("by_partition", day="tue")
    assert caught.value.verdict.exit_code == exit_code_of(Category.INPUT_EMPTY)
    assert bench.plan("maybe_partition", day="tue").listings["orders"].files == ()
    assert bench.publish("maybe_partition", day="tue").rows == 0


@on_disk
def test_a_transform_that_leaves_no_rows_says_what_it_read(bench: Bench) -> None:
    bench.put("orders/a.parquet", pl.DataFrame({"id": [1]}))
    bench.fails("filtered", "output_mismatch", "the job made no rows", "orders: 1 files", "allow_empty=True")
