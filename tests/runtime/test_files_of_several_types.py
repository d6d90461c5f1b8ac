"""Parquet files whose columns differ in type: united where the declared type holds all of them, else refused in words whose
remedy works."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Parquet

UTC = pl.Series([dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)])
NAIVE = UTC.dt.replace_time_zone(None)
BERLIN = UTC.dt.convert_time_zone("Europe/Berlin")
TEXT = pl.Series(["x", None])


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def put(shop: InProcess, *columns: pl.Series, schema: dict[str, str] | None = None) -> Parquet:
    """An input of one file a column."""
    for number, column in enumerate(columns):
        shop.put(f"in/{number}.parquet", pl.DataFrame({"a": column}))
    return Parquet(shop.at("in/*.parquet"), schema=schema)


def refused(shop: InProcess, dataset: Parquet, *words: str) -> None:
    outcome = shop.run(lambda rows: rows, shop.parquet("out", replace={}), rows=dataset)
    assert outcome.verdict.category == "input_mismatch", outcome.verdict.text()
    for word in words:
        assert word in outcome.verdict.text()
    for foreign in ("ScanCastOptions", "missing_columns", "cast_options", "μs", "time_unit"):
        assert foreign not in outcome.verdict.text()


@pytest.mark.parametrize(
    ("columns", "declared", "read"),
    [
        pytest.param((UTC, BERLIN), "Datetime[us, UTC]", [*UTC, *UTC], id="zones"),
        pytest.param((UTC, BERLIN), "Datetime[us, Europe/Berlin]", [*BERLIN, *BERLIN], id="zones, to another"),
        pytest.param((NAIVE, UTC), "Datetime[us, UTC]", [*UTC, *UTC], id="no zone beside UTC"),
        pytest.param((TEXT.cast(pl.Categorical), TEXT), "String", ["x", None, "x", None], id="categories"),
        pytest.param((pl.Series([1], dtype=pl.Int32), pl.Series([2**40])), "Int64", [1, 2**40], id="numbers"),
    ],
)
def test_files_that_differ_are_refused_and_read_as_the_remedy_says(
    shop: InProcess, columns: tuple[pl.Series, ...], declared: str, read: list[object]
) -> None:
    refused(shop, put(shop, *columns), "column 'a'", "declare", "1.parquet")
    assert shop.read(put(shop, *columns, schema={"a": declared}))["a"].to_list() == read


def test_both_types_are_named_whole_and_as_a_schema_names_them(shop: InProcess) -> None:
    refused(
        shop,
        put(shop, UTC, BERLIN),
        "column 'a' of an input is Datetime[us, Europe/Berlin], not Datetime[us, UTC]",
        "a is Datetime[us, Europe/Berlin] instead of Datetime[us, UTC]",
    )


@pytest.mark.parametrize(
    ("columns", "declared"),
    [
        pytest.param((NAIVE,), "Datetime[us, Europe/Berlin]", id="a zone that no file has"),
        pytest.param((BERLIN,), "Datetime[us]", id="no zone"),
        pytest.param((NAIVE.implode(),), "List[Datetime[us, Europe/Berlin]]", id="in a list"),
    ],
)
def test_a_moment_gets_no_other_zone_than_utc_by_a_declaration(
    shop: InProcess, columns: tuple[pl.Series, ...], declared: str
) -> None:
    refused(shop, put(shop, *columns, schema={"a": declared}), "one of them has no time zone", "dt.replace_time_zone")


@pytest.mark.parametrize("columns", [(NAIVE, UTC), (UTC, NAIVE), (NAIVE.implode(), UTC.implode())])
def test_moments_with_and_without_a_zone_are_not_read_as_one(shop: InProcess, columns: tuple[pl.Series, ...]) -> None:
    refused(shop, put(shop, *columns), "has a time zone in some files and none in others", "0.parquet", "1.parquet")


def put_wide(shop: InProcess, kind: pa.DataType, value: object) -> str:
    place = shop.root / "in" / "wide.parquet"
    place.parent.mkdir()
    pq.write_table(pa.table({"id": [1], "d": pa.array([value], kind)}), place)
    return str(place)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(pa.decimal256(40, 2), Decimal("1.10"), id="plain"),
        pytest.param(pa.list_(pa.decimal256(40, 2)), [Decimal("1.10")], id="in a list"),
    ],
)
def test_a_decimal_of_more_digits_than_polars_has_is_refused_at_once(
    shop: InProcess, kind: pa.DataType, value: object
) -> None:
    place = put_wide(shop, kind, value)
    words = ("column 'd'", "Decimal(40, 2)", "more than 38 digits", place, "as text")
    refused(shop, Parquet(place), *words)
    if kind == pa.decimal256(40, 2):
        refused(shop, Parquet(place, schema={"id": "Int64", "d": "Decimal(38, 2)"}), *words)
    # and the remedy works
    assert shop.read(Parquet(place, schema={"id": "Int64"})).rows() == [(1,)]
