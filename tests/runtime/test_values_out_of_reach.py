"""Moments and days that a format cannot reach are refused with column and value; those it can are read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.in_process import InProcess

LAST_MS = (2**63 - 1) // 1000
FAR = "microseconds do not reach"
MS = pl.Datetime("ms")


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def column(number: int, dtype: pl.DataType) -> pl.Series:
    return pl.Series("v", [number]).cast(dtype)


def refused(shop: InProcess, values: pl.Series, output: Any, *words: str) -> None:
    outcome = shop.publish(pl.DataFrame({"id": [1], "v": values}), output)
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    for word in ("the column 'v' of the output has a value that", *words):
        assert word in outcome.verdict.text()
    assert not outcome.published
    if table := Path(output.uri, "_delta_log"):
        assert len(list(table.glob("*.json"))) <= 1


@pytest.mark.parametrize(
    "way", [pytest.param({"replace": {}}, id="replace"), pytest.param({"append": True}, id="append"),
            pytest.param({"merge": ["id"]}, id="merge"), pytest.param({"replace": "id > 0"}, id="predicate")]
)  # fmt: skip
@pytest.mark.parametrize("sign", [pytest.param(1, id="future"), pytest.param(-1, id="past")])
def test_milliseconds_beyond_microseconds_are_refused_by_every_way_into_a_table(
    shop: InProcess, way: dict[str, Any], sign: int
) -> None:
    number = sign * (LAST_MS + 1)
    refused(shop, column(number, MS), shop.delta("out", **way), FAR, f"v = {number} milliseconds since 1970 (Datetime[ms])")


@pytest.mark.parametrize(
    ("wrap", "dtype"),
    [
        pytest.param(lambda v: v, MS, id="plain"),
        pytest.param(lambda v: v, pl.Datetime("ms", "Europe/Berlin"), id="with a zone"),
        pytest.param(lambda v: [None, v], pl.List(MS), id="in a list"),
        pytest.param(lambda v: {"n": 1, "at": v}, pl.Struct({"n": pl.Int64, "at": MS}), id="in a struct"),
        pytest.param(lambda v: [{"at": [v]}], pl.List(pl.Struct({"at": pl.List(MS)})), id="deep"),
        pytest.param(lambda v: {"k": v}, pl.Map(pl.String, pl.Datetime("ms", "UTC")), id="in a map"),
    ],
)
def test_milliseconds_are_exact_or_refused_wherever_they_are(shop: InProcess, wrap: Any, dtype: Any) -> None:
    def values(number: int) -> pl.Series:
        numbers = pl.Series("v", [wrap(number), None], dtype=_as_numbers(dtype))
        return numbers.cast(dtype)

    near = pl.DataFrame({"id": [1, 2], "v": values(253402300799999)})
    assert shop.publish(near, shop.delta("out", replace={})).verdict.succeeded
    read = shop.read(shop.delta("out")).sort("id")
    assert read.schema["v"] != dtype
    assert read.with_columns(pl.col("v").cast(dtype)).equals(near)
    for number in (LAST_MS + 1, 2**63 - 1):
        outcome = shop.publish(pl.DataFrame({"id": [1, 2], "v": values(number)}), shop.delta("out", replace={}), force=True)
        assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
        assert f"v = {number} milliseconds since 1970" in outcome.verdict.text()
    assert shop.version("out") == 0
    kept = pl.DataFrame({"id": [1, 2], "v": values(2**63 - 1)})
    assert shop.publish(kept, shop.parquet("kept", replace={})).verdict.succeeded
    back = shop.read(shop.parquet("kept")).sort("id")
    assert back.select(pl.col("v").cast(_as_numbers(dtype))).equals(kept.select(pl.col("v").cast(_as_numbers(dtype))))


def _as_numbers(dtype: Any) -> Any:
    if isinstance(dtype, pl.List):
        return pl.List(_as_numbers(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _as_numbers(field.dtype) for field in dtype.fields})
    if isinstance(dtype, pl.Map):
        return pl.Map(dtype.key, _as_numbers(dtype.value))
    return pl.Int64()


@pytest.mark.parametrize("number", [pytest.param(LAST_MS, id="last"), pytest.param(-LAST_MS, id="first")])
def test_the_last_millisecond_that_microseconds_reach_is_published(shop: InProcess, number: int) -> None:
    frame = pl.DataFrame({"id": [1], "v": column(number, MS)})
    assert shop.publish(frame, shop.delta("out", replace={})).verdict.succeeded
    assert shop.read(shop.delta("out"))["v"].to_physical().to_list() == [number * 1000]


@pytest.mark.parametrize(
    ("number", "dtype", "said"),
    [
        pytest.param(2**31 - 1, pl.Date(), "days", id="day"),
        pytest.param(-(2**31), pl.Date(), "days", id="day in the past"),
        pytest.param(95_025_871, pl.Date(), "days", id="day after the last"),
        pytest.param(2**63 - 1, pl.Datetime("us"), "microseconds", id="moment"),
        pytest.param(-(2**63) + 1, pl.Datetime("us", "UTC"), "microseconds", id="moment in the past"),
    ],
)
def test_what_deltalake_panics_over_is_refused_where_deltalake_writes(
    shop: InProcess, number: int, dtype: pl.DataType, said: str
) -> None:
    values = column(number, dtype)
    for way in ({"merge": ["id"]}, {"replace": "id > 0"}):
        refused(shop, values, shop.delta("out", **way), "deltalake cannot write", f"v = {number} {said} since 1970")
    assert shop.publish(pl.DataFrame({"id": [1], "v": values}), shop.delta("plain", replace={})).verdict.succeeded
    assert shop.read(shop.delta("plain"))["v"].to_physical().to_list() == [number]


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        pytest.param(95_025_870, pl.Date(), id="last day"),
        pytest.param(-96_464_927, pl.Date(), id="first day"),
        pytest.param((95_025_870 + 1) * 86_400 * 10**6 - 1, pl.Datetime("us"), id="last moment"),
        pytest.param(-96_464_927 * 86_400 * 10**6, pl.Datetime("us", "UTC"), id="first moment"),
    ],
)
def test_the_last_value_that_deltalake_writes_is_read_back(shop: InProcess, number: int, dtype: pl.DataType) -> None:
    values = column(number, dtype)
    assert shop.publish(pl.DataFrame({"id": [1], "v": values}), shop.delta("out", merge=["id"])).verdict.succeeded
    assert shop.read(shop.delta("out"))["v"].to_physical().to_list() == [number]


def test_the_keys_of_a_map_are_looked_at_too(shop: InProcess) -> None:
    def keyed(number: int) -> pl.Series:
        return pl.Series("v", [{number: "x"}], dtype=pl.Map(pl.Date, pl.String))

    refused(shop, keyed(2**31 - 1), shop.delta("out", merge=["id"]), "deltalake cannot write", "v = 2147483647 days")
