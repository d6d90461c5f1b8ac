"""Readable files that are not what was declared, or not alike: the column, the value and the type are named."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on_disk

JOBS = (
    copying("csv", 'Csv("{lake}/orders/*.csv", schema={"id": "Int64", "text": "String", "day": "Date"})')
    + copying("ndjson", 'NdJson("{lake}/orders/*.ndjson", schema={"id": "Int64"})')
    + copying("drifting", 'Parquet("{lake}/orders/*.parquet")')
    + copying("united", 'Parquet("{lake}/orders/*.parquet", schema={"id": "Int64", "price": "Float64", "note": "String"})')
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param("id,text,date\n1,x,2024-02-29\n", ["declared columns", "date"], id="wrong-column"),
        pytest.param("id,text\n1,x\n", ["declared columns", "day"], id="missing-column"),
        pytest.param("id,text,day,more\n1,x,2024-02-29,y\n", ["declared columns", "more"], id="extra-column"),
        pytest.param(
            "id,text,day\nx1,x,2024-02-29\n", ["column 'id'", "'x1'", "not Int64", "line 2"], id="text-for-a-number"
        ),
        pytest.param("id,text,day\n1.5,x,2024-02-29\n", ["column 'id'", "'1.5'", "not Int64", "line 2"], id="fraction"),
        pytest.param("id,text,day\n1,x,2024-02-30\n", ["column 'day'", "'2024-02-30'", "not Date", "line 2"], id="no-date"),
    ],
)
@on_disk
def test_csv_that_is_not_as_declared(bench: Bench, data: str, words: list[str]) -> None:
    bench.put_delta("out", pl.DataFrame({"id": [1], "text": ["x"], "day": [dt.date(2024, 2, 29)]}))
    bench.put_bytes("orders/a.csv", data.encode())
    bench.fails("csv", "input_mismatch", *words)
    assert bench.version("out") == 0


@on_disk
def test_csv_columns_in_another_order_are_the_same_columns(bench: Bench) -> None:
    bench.put_bytes("orders/a.csv", b"text,day,id\nx,2024-02-29,1\n")
    bench.put_bytes("orders/b.csv", b"day,id,text\n2024-03-01,2,y\n")
    bench.publish("csv")
    assert bench.rows("out") == [(1, "x", dt.date(2024, 2, 29)), (2, "y", dt.date(2024, 3, 1))]


@on_disk
def test_ndjson_with_text_for_a_number(bench: Bench) -> None:
    bench.put_bytes("orders/a.ndjson", b'{"id": 1}\n{"id": "two"}\n')
    bench.fails("ndjson", "input_mismatch", "'two'", "Mend the data")


def put_two(bench: Bench, second: pl.DataFrame) -> None:
    bench.put("orders/a.parquet", pl.DataFrame({"id": [1], "price": [0.5]}))
    bench.put("orders/b.parquet", second)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        pytest.param(pl.DataFrame({"id": [2]}), ["lacks column", "price"], id="missing"),
        pytest.param(pl.DataFrame({"id": [2], "price": [1.5], "note": ["x"]}), ["extra column", "note"], id="extra"),
        pytest.param(pl.DataFrame({"id": ["2"], "price": [1.5]}), ["column 'id'", "is String, not Int64"], id="type"),
        pytest.param(pl.DataFrame({"id": [2], "price": [1]}), ["column 'price'", "is Int64, not Float64"], id="number"),
    ],
)
def test_files_that_drift_apart_are_told_by_column(bench: Bench, second: pl.DataFrame, words: list[str]) -> None:
    put_two(bench, second)
    bench.fails("drifting", "input_mismatch", *words, "eclare the input's schema")


@on_disk
def test_a_declared_schema_unites_files_that_differ_harmlessly(bench: Bench) -> None:
    put_two(bench, pl.DataFrame({"note": ["x"], "price": [2], "id": pl.Series([2], dtype=pl.Int8), "more": [0]}))
    bench.publish("united")
    assert bench.rows("out") == [(1, 0.5, None), (2, 2.0, "x")]


@on_disk
@pytest.mark.parametrize(
    "second",
    [
        pytest.param(pl.DataFrame({"id": [2.5], "price": [1.5]}), id="fraction-for-a-whole-number"),
        pytest.param(pl.DataFrame({"id": ["2"], "price": [1.5]}), id="text-for-a-number"),
    ],
)
def test_a_declared_schema_never_loses_a_digit(bench: Bench, second: pl.DataFrame) -> None:
    put_two(bench, second)
    bench.fails("united", "input_mismatch", "column 'id'", "not Int64")
