"""Values that make bad folder names: what was published is what every reader gets back, and reruns find it again."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on_disk

ORDERS = 'Parquet("{lake}/orders.parquet")'
BY_PLACE = 'replace={}, partition_by=["place"]'
JOBS = (
    copying("to_delta", ORDERS, f'Delta("{{lake}}/out", {BY_PLACE})')
    + copying("to_parquet", ORDERS, f'Parquet("{{lake}}/shelf", {BY_PLACE})')
    + copying("from_delta", 'Delta("{lake}/out", where={"place": "a b"})', 'Delta("{lake}/copy", replace={})')
    + copying("from_parquet", 'Parquet("{lake}/shelf")', 'Delta("{lake}/copy", replace={})')
    + copying("typed", ORDERS, 'Delta("{lake}/out", replace={}, partition_by=[*"ibdftzn"])')
    + copying("typed_parquet", ORDERS, 'Parquet("{lake}/shelf", replace={}, partition_by=[*"ibdftzn"])')
)
# of some pairs one is what a careless writer makes of the other
PLACES = [
    "plain", "a b", "a_20b", "a%20b", "x/y", "x\\y", "..", "", "_", None, "null", "it's", '"', "100%", "a=b", "#?&+~*",
    "Zürich", "2024-02-01", "007", "true", " padded ", "{day}", "ß" * 30,
]  # fmt: skip
SORTED = sorted(enumerate(PLACES), key=repr)
# the Delta protocol takes an empty text for null
IN_DELTA = [(number, place) for number, place in SORTED if place != ""]


def put_places(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": range(len(PLACES)), "place": PLACES}))


def test_odd_values_come_back_from_a_delta_table_and_are_replaced_by_a_rerun(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame(IN_DELTA, schema={"id": pl.Int64, "place": pl.String}, orient="row"))
    assert bench.publish("to_delta").files == len(IN_DELTA)
    assert bench.rows("out") == IN_DELTA
    bench.publish("to_delta", force=True)
    assert bench.rows("out") == IN_DELTA
    bench.publish("from_delta")
    assert bench.rows("copy") == [(1, "a b")]


def test_odd_values_come_back_from_a_parquet_directory_and_are_replaced_by_a_rerun(bench: Bench) -> None:
    put_places(bench)
    bench.publish("to_parquet")
    assert bench.listed("shelf") == SORTED
    bench.publish("to_parquet", force=True)
    bench.publish("from_parquet")
    assert bench.rows("copy") == SORTED


def typed() -> pl.DataFrame:
    moment = dt.datetime.fromisoformat("2024-02-29T23:59:59.001000")
    return pl.DataFrame(
        {
            "id": [1, 2],
            "i": pl.Series([7, None], dtype=pl.Int32),
            "b": [True, False],
            "d": [dt.date(2024, 2, 29), None],
            "f": [0.5, 1e20],
            "t": [moment, dt.datetime.fromisoformat("1999-01-01T00:00:00")],
            "z": [moment.replace(tzinfo=dt.UTC), dt.datetime(1999, 1, 1, tzinfo=dt.UTC)],
            "n": pl.Series([Decimal("1.50"), Decimal("-1.01")], dtype=pl.Decimal(10, 2)),
        }
    )


def test_values_of_every_type_keep_it(bench: Bench) -> None:
    bench.put("orders.parquet", typed())
    for name in ("typed", "typed"):
        bench.publish(name, force=True)
    assert bench.delta("out").sort("id").equals(typed())
    bench.publish("typed_parquet")
    bench.publish("from_parquet")
    assert bench.delta("copy").sort("id").equals(typed())


@on_disk
@pytest.mark.parametrize(
    ("place", "why"),
    [
        pytest.param("x" * 250, "it is too long", id="too-long"),
        pytest.param("ü" * 50, "it is too long", id="too-long-when-escaped"),
        pytest.param("__HIVE_DEFAULT_PARTITION__", "it is what readers take for null", id="null-s-own-name"),
        pytest.param("", "takes an empty text for null", id="empty"),
    ],
)
def test_a_value_that_no_folder_can_be_called_is_refused(bench: Bench, place: str, why: str) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": [1], "place": [place]}))
    bench.fails("to_delta", "output_mismatch", "partition column 'place'", why, "shorter code")
