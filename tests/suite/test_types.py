"""What values may be made of: they come back as they went in, or the run says which column cannot."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on_disk

ORDERS = 'Parquet("{lake}/orders.parquet")'
JOBS = (
    copying("to_delta", ORDERS)
    + copying("to_parquet", ORDERS, 'Parquet("{lake}/shelf", replace={})')
    + copying("from_delta", 'Delta("{lake}/out")', 'Parquet("{lake}/shelf", replace={})')
)
LONDON = ZoneInfo("Europe/London")


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": [1, 2],
            "price": pl.Series([Decimal("12345678901234567890.123456789"), None], dtype=pl.Decimal(38, 9)),
            "tags": [["a", None], []],
            "deep": [[{"x": 1, "y": [dt.date(2024, 2, 29)]}], None],
            "who": [{"name": "Ada", "at": dt.datetime.fromisoformat("2024-02-29T00:00:00")}, None],
            "raw": [b"\x00\xff", b""],
            "small": pl.Series([-128, 127], dtype=pl.Int8),
            "single": pl.Series([0.1, float("inf")], dtype=pl.Float32),
            "nan": [float("nan"), -0.0],
            "text": ["", "\x00\n\u2028 𝄞"],
            "utc": [dt.datetime(1600, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)],
            "naive": [dt.datetime.fromisoformat("2024-02-29T01:02:03.456789"), None],
            "odd name, `quoted` [1]": [True, None],
        }
    )


def test_values_survive_both_formats_unchanged(bench: Bench) -> None:
    bench.put("orders.parquet", frame())
    bench.publish("to_delta")
    assert_frame_equal(bench.delta("out").sort("id"), frame())
    # a naive time makes the table one with features; it must take a second commit all the same
    bench.publish("to_delta", force=True)
    bench.publish("from_delta")
    [file] = bench.manifest("shelf")["entries"][0]["files"]
    assert_frame_equal(pl.read_parquet(f"{bench.lake}/shelf/{file['path']}", **bench.options).sort("id"), frame())


@on_disk
def test_delta_holds_what_it_has_no_type_for_in_one_that_loses_nothing(bench: Bench) -> None:
    noon = dt.datetime(2024, 7, 1, 12, tzinfo=LONDON)
    made = pl.DataFrame(
        {
            "id": pl.Series([2**32 - 1], dtype=pl.UInt32),
            "kind": pl.Series(["a"], dtype=pl.Categorical),
            "size": pl.Series(["S"], dtype=pl.Enum(["S", "M"])),
            "at": [noon],
            "ms": pl.Series([dt.datetime.fromisoformat("2024-07-01T00:00:00")], dtype=pl.Datetime("ms")),
            "who": pl.Series([{"n": 255}], dtype=pl.Struct({"n": pl.UInt8})),
        }
    )
    bench.put("orders.parquet", made)
    bench.publish("to_delta")
    assert bench.rows("out") == [(2**32 - 1, "a", "S", noon, dt.datetime.fromisoformat("2024-07-01T00:00:00"), {"n": 255})]


@on_disk
@pytest.mark.parametrize(
    ("value", "named"),
    [
        pytest.param(pl.Series([2**63], dtype=pl.UInt64), "x: UInt64", id="uint64"),
        pytest.param(pl.Series([dt.time(1)]), "x: Time", id="time"),
        pytest.param(pl.Series([dt.timedelta(1)]), "x: Duration", id="duration"),
        pytest.param(
            pl.Series([dt.datetime.fromisoformat("2024-01-01T00:00:00")], dtype=pl.Datetime("ns")),
            "x: Datetime[ns]",
            id="nanoseconds",
        ),
        pytest.param(pl.Series([[{"a": 2**63}]], dtype=pl.List(pl.Struct({"a": pl.UInt64}))), "x: List", id="nested"),
    ],
)
def test_what_delta_would_lose_is_refused_by_name(bench: Bench, value: pl.Series, named: str) -> None:
    bench.put("orders.parquet", pl.DataFrame({"x": value}))
    bench.fails("to_delta", "output_mismatch", "cannot hold without losing values", named, "Cast them in the transform")
