"""A partition is chosen by what a text means for its column's type, or the text and the column are refused by name."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Delta
from polarpod.store.partition_text import is_same, read_decimal, read_delta, read_integer, read_moment, read_real

moment = dt.datetime.fromisoformat


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def put(shop: InProcess, values: list[Any], dtype: Any) -> None:
    frame = pl.DataFrame({"id": range(len(values)), "k": pl.Series(values, dtype=dtype)})
    frame.write_delta(shop.at("table"), delta_write_options={"partition_by": ["k"]})


DECIMAL = pl.Decimal(10, 2)
UTC, NAIVE = pl.Datetime("us", "UTC"), pl.Datetime("us")


@pytest.mark.parametrize(
    ("dtype", "value", "other", "texts"),
    [
        pytest.param(pl.Date, dt.date(2024, 2, 1), dt.date(2024, 2, 2), ["2024-02-01", "20240201"], id="date"),
        pytest.param(NAIVE, moment("2024-02-01T01:02:03.5"), moment("2024-02-01"),
                     ["2024-02-01 01:02:03.500000", "2024-02-01T01:02:03.5", "2024-02-01T01:02:03.500000000"], id="moment"),
        pytest.param(UTC, moment("2024-02-01T00:00Z"), moment("2024-02-01T01:00Z"),
                     ["2024-02-01T00:00:00+00:00", "2024-02-01", "2024-02-01T01:00+01:00", "20240201T00Z"], id="instant"),
        pytest.param(DECIMAL, Decimal("1.50"), Decimal("1.05"), ["1.5", "1.50", "1.500", "+1.5", "15e-1"], id="decimal"),
        pytest.param(DECIMAL, Decimal("-100.00"), Decimal("1.00"), ["-100", "-1e2"], id="decimal below zero"),
        pytest.param(pl.Int32, 7, 70, ["7", "007", "+7"], id="whole number"),
        pytest.param(pl.Int64, 2**63 - 1, -(2**63), [str(2**63 - 1)], id="largest whole number"),
        pytest.param(pl.Float64, 0.1, 0.2, ["0.1", ".1", "1e-1"], id="double"),
        pytest.param(pl.Float32, 0.1, 0.2, ["0.1", "1e-1"], id="float"),
        pytest.param(pl.Boolean, True, False, ["true", "True"], id="truth"),
        pytest.param(pl.String, "2024-02-01", "2024-02-02", ["2024-02-01"], id="text"),
        pytest.param(pl.String, "1.5", "1.50", ["1.5"], id="text that looks like a number"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_value_chooses_its_partition(
    shop: InProcess, dtype: Any, value: object, other: object, texts: list[str]
) -> None:
    put(shop, [value, other, None], dtype)
    for text in texts:
        assert shop.read(Delta(shop.at("table"), where={"k": text}))["id"].to_list() == [0], text


@pytest.mark.parametrize(
    ("dtype", "value", "kind", "text"),
    [
        pytest.param(pl.Date, dt.date(2024, 2, 1), "date", "2024-02-01T00:00:00+00:00", id="a moment for a day"),
        pytest.param(pl.Date, dt.date(2024, 2, 1), "date", "2024-02-30", id="a day that never was"),
        pytest.param(pl.Date, dt.date(2024, 2, 1), "date", "", id="nothing for a day"),
        pytest.param(NAIVE, moment("2024-02-01"), "timestamp_ntz", "2024-02-01T00:00:00+00:00", id="a zone too much"),
        pytest.param(NAIVE, moment("2024-02-01"), "timestamp_ntz", "2024-02-01T00:00:00.000000001", id="nanoseconds"),
        pytest.param(UTC, moment("2024-02-01T00:00Z"), "timestamp", "yesterday", id="a word for an instant"),
        pytest.param(DECIMAL, Decimal("1.50"), "decimal(10,2)", "1.505", id="more digits than the scale"),
        pytest.param(DECIMAL, Decimal("1.50"), "decimal(10,2)", "123456789", id="more digits than the precision"),
        pytest.param(DECIMAL, Decimal("1.50"), "decimal(10,2)", "NaN", id="no number"),
        pytest.param(pl.Int8, 1, "byte", "1.5", id="a fraction for a whole number"),
        pytest.param(pl.Int8, 1, "byte", "128", id="too large a number"),
        pytest.param(pl.Int16, 1, "short", "1_0", id="Python's underscores"),
        pytest.param(pl.Int32, 1, "integer", " 1", id="a blank"),
        pytest.param(pl.Int64, 1, "long", "one", id="a word for a number"),
        pytest.param(pl.Float64, 1.5, "double", "1,5", id="a comma"),
        pytest.param(pl.Boolean, True, "boolean", "1", id="a number for truth"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("allow_empty", [pytest.param(True, id="may be empty"), pytest.param(False, id="may not be")])
def test_a_text_that_means_no_value_is_refused_by_column_and_text(
    shop: InProcess, dtype: Any, value: object, kind: str, text: str, *, allow_empty: bool
) -> None:
    put(shop, [value], dtype)
    table = Delta(shop.at("table"), where={"k": text}, allow_empty=allow_empty)
    outcome = shop.run(lambda rows: rows, shop.delta("out", replace={}, allow_empty=True), rows=table)
    assert outcome.verdict.category == "request_invalid"
    assert outcome.verdict.summary == f"`where` chooses k by {text!r}, which is no {kind}"
    assert "k is a partition column of type" in outcome.verdict.evidence[0]


@pytest.mark.parametrize("text", [pytest.param("2024-02-01T00:00:00+00:00", id="a moment"), pytest.param("x", id="a word")])
def test_a_replaced_partition_that_is_no_value_of_its_column_is_refused(shop: InProcess, text: str) -> None:
    frame = pl.DataFrame({"id": [1], "k": [dt.date(2024, 2, 1)]})
    for output in (shop.delta("out", replace={"k": text}), shop.parquet("out", replace={"k": text})):
        outcome = shop.publish(frame, output)
        assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
        assert f"k = {text}" in outcome.verdict.summary


def test_a_decimal_partition_is_replaced_in_whatever_spelling(shop: InProcess) -> None:
    for number, text in enumerate(["1.50", "1.5", "15e-1"]):
        frame = pl.DataFrame({"id": [number], "k": pl.Series([Decimal("1.50")], dtype=DECIMAL)})
        for output in (shop.delta("out", replace={"k": text}), shop.parquet("shelf", replace={"k": text})):
            outcome = shop.publish(frame, output, params={"k": text})
            assert outcome.verdict.succeeded, outcome.verdict.text()
    assert shop.read(shop.delta("out")).rows() == [(2, Decimal("1.50"))]


@given(number=st.integers(-(2**63), 2**63 - 1))
def test_a_written_whole_number_is_read_back(number: int) -> None:
    assert read_integer(str(number), lowest=-(2**63), highest=2**63 - 1) == number


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_written_decimal_is_read_back_and_never_rounded(number: Decimal) -> None:
    assert read_decimal(str(number), precision=18, scale=3) == number
    if number * 100 % 1:
        with pytest.raises(ValueError, match=re.escape(str(number))):
            read_decimal(str(number), precision=18, scale=2)


@given(number=st.floats())
def test_a_written_float_is_read_back(number: float) -> None:
    assert is_same(read_real(repr(number), single=False), number)


@given(number=st.floats(width=32))
def test_a_written_single_float_is_read_back(number: float) -> None:
    assert is_same(read_real(repr(number), single=True), number)


@given(when=st.datetimes(), zone=st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))]))
def test_a_written_moment_is_read_back_or_refused_for_its_zone(when: dt.datetime, zone: dt.tzinfo | None) -> None:
    text = when.replace(tzinfo=zone).isoformat()
    assert read_moment(text, zoned=True) == when.replace(tzinfo=zone or dt.UTC)
    if zone is None:
        assert read_moment(text, zoned=False) == when
    else:
        with pytest.raises(ValueError, match=re.escape(text)):
            read_moment(text, zoned=False)


@given(text=st.text(max_size=12))
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    for kind in (
        "date",
        "timestamp",
        "timestamp_ntz",
        "boolean",
        "byte",
        "long",
        "float",
        "double",
        "decimal(10,2)",
        "binary",
    ):
        try:
            read_delta(text, kind)
        except ValueError:
            continue
