"""Plain files as inputs: formats, globs, partition folders, templates. What becomes of damaged ones is told elsewhere."""

from __future__ import annotations

import datetime as dt

import polars as pl
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on_disk

JOBS = (
    """
WIDE = [f"a column of many, number {number}" for number in range(1000)]
SCHEMA = {"id": "Int64", "amount": "Float64", "day": "Date"}

@job(
    inputs={"orders": Parquet("{lake}/orders/{country}/part-[ab]*.parquet"), "people": Csv("{lake}/people.csv")},
    output=Delta("{lake}/out", replace={}),
    memory="512Mi",
)
def joined(orders, people):
    return orders.join(people, on="person").select("id", "name")
"""
    + copying("from_folder", 'Parquet("{lake}/orders")')
    + copying("from_any_depth", 'Parquet("{lake}/orders/**/*.parquet", hive=False)')
    + copying("from_csv", 'Csv("{lake}/orders/*.csv", schema=SCHEMA, separator=";", null_values=["?"])')
    + copying("from_ndjson", 'NdJson("{lake}/orders/*.ndjson", schema=SCHEMA)')
    + copying("inferred", 'NdJson("{lake}/orders/a.ndjson")')
    + copying("by_day", 'Parquet("{lake}/orders/*/*.parquet")')
    + copying("one_day", 'Parquet("{lake}/orders/day={day}/*.parquet")', 'Delta("{lake}/out", append=True)')
    + copying("wide", 'Csv("{lake}/wide.csv", schema=dict.fromkeys(WIDE, "Int64"))')
    + copying("declared", 'Parquet("{lake}/orders/*.parquet", schema={"id": "Int64", "note": "String"})')
)
DAYS = ("2024-02-28", "2024-02-29")


def ids(*values: int) -> pl.DataFrame:
    return pl.DataFrame({"id": values})


def test_globs_parameters_and_several_inputs_meet_in_one_job(bench: Bench) -> None:
    bench.put("people.csv", pl.DataFrame({"person": [1, 2], "name": ["Ada", "Grace"]}))
    for name, identity in {"part-a1": 10, "part-b2": 20, "part-c3": 30, "_part-a": 40}.items():
        bench.put(f"orders/uk/{name}.parquet", pl.DataFrame({"id": [identity], "person": [identity // 10 % 2 + 1]}))
    bench.put("orders/fr/part-a1.parquet", pl.DataFrame({"id": [99], "person": [1]}))
    bench.publish("joined", country="uk")
    assert bench.rows("out") == [(10, "Grace"), (20, "Ada")]


def test_a_folder_is_read_whole_without_what_writers_hide_in_it(bench: Bench) -> None:
    bench.put("orders/a.parquet", ids(1))
    bench.put("orders/more/b c.parquet", ids(2))
    bench.put("orders/more/ü%20#.parquet", ids(3))
    bench.put("orders/_tmp/c.parquet", ids(4))
    bench.put("orders/.d.parquet", ids(5))
    bench.put("orders/readme.csv", ids(6))
    assert bench.publish("from_folder").rows == 3
    assert bench.rows("out") == [(1,), (2,), (3,)]
    bench.publish("from_any_depth")
    assert bench.rows("out") == [(1,), (2,), (3,)]


def test_csv_is_read_by_its_declared_types_and_words_for_nothing(bench: Bench) -> None:
    bench.put_bytes("orders/a.csv", b"id;amount;day\n1;1.5;2024-02-29\n2;?;\n")
    bench.put_bytes("orders/b.csv", b'id;amount;day\r\n3;"2.25";2024-03-01\r\n')
    bench.publish("from_csv")
    assert bench.rows("out") == [(1, 1.5, dt.date(2024, 2, 29)), (2, None, None), (3, 2.25, dt.date(2024, 3, 1))]


def test_ndjson_is_read_by_its_declared_types(bench: Bench) -> None:
    bench.put_bytes("orders/a.ndjson", b'{"id": 1, "amount": 1, "day": "2024-02-29"}\n{"id": 2, "more": [1]}\n')
    bench.publish("from_ndjson")
    assert bench.rows("out") == [(1, 1.0, dt.date(2024, 2, 29)), (2, None, None)]


def test_undeclared_ndjson_is_read_by_what_it_holds(bench: Bench) -> None:
    bench.put_bytes("orders/a.ndjson", b'{"id": 1, "who": {"name": "Ada", "tags": ["x"]}}\n{"id": 2}\n')
    bench.publish("inferred")
    assert bench.rows("out") == [(1, {"name": "Ada", "tags": ["x"]}), (2, None)]


def test_partition_folders_are_columns(bench: Bench) -> None:
    for number, day in enumerate(DAYS):
        bench.put(f"orders/day={day}/a.parquet", ids(number))
    bench.publish("by_day")
    assert bench.rows("out") == [(number, dt.date.fromisoformat(day)) for number, day in enumerate(DAYS)]


def test_a_folder_that_the_input_names_is_a_place_and_no_column(bench: Bench) -> None:
    for number, day in enumerate(DAYS):
        bench.put(f"orders/day={day}/a.parquet", ids(number))
        bench.publish("one_day", day=day)
    assert bench.rows("out") == [(0,), (1,)]


def test_declared_parquet_may_lack_columns_have_more_and_be_narrower(bench: Bench) -> None:
    bench.put("orders/old.parquet", ids(1).cast(pl.Int16))
    bench.put("orders/new.parquet", pl.DataFrame({"note": ["x"], "extra": [0], "id": [2]}))
    bench.publish("declared")
    assert bench.rows("out") == [(1, None), (2, "x")]


@on_disk
def test_a_declaration_that_is_too_long_for_an_environment_reaches_its_worker(bench: Bench) -> None:
    columns = [f"a column of many, number {number}" for number in range(1000)]
    bench.put("wide.csv", pl.DataFrame({name: [number] for number, name in enumerate(columns)}))
    assert bench.publish("wide").rows == 1
    assert bench.rows("out", *columns) == [tuple(range(1000))]


@on_disk
def test_a_lake_in_a_folder_like_a_partition_gives_its_inputs_no_column(bench: Bench) -> None:
    bench.lake = f"{bench.lake}/env=prod"
    bench.put("orders/day=2024-02-29/a.parquet", ids(1))
    bench.publish("by_day")
    assert bench.rows("out") == [(1, dt.date(2024, 2, 29))]
