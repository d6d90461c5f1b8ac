"""Values of Parquet files come as they are stored, or the file and the column are named that would be read otherwise."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fixtures.object_store import Lake
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Parquet
from polarpod.runtime.sources.scan import scan
from polarpod.store.folder import Folder
from polarpod.store.listing import list_input
from polarpod.store.location import join

moment = dt.datetime.fromisoformat
FAR = [moment("9999-12-31"), moment("0001-01-01"), moment("2024-06-01T01:02:03.456789")]
MICRO, NANO = pa.timestamp("us"), pa.timestamp("ns")


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def put_int96(shop: InProcess, path: str, values: list[Any], kind: pa.DataType = MICRO, *, arrow: bool = False) -> str:
    """A file as Spark, Hive and Impala write timestamps; with Arrow's own schema beside them as pyarrow does."""
    place = shop.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"id": range(len(values)), "ts": pa.array(values, kind)})
    pq.write_table(table, place, use_deprecated_int96_timestamps=True, store_schema=arrow)
    return str(place)


def put_plain(shop: InProcess, path: str, values: list[Any], kind: pa.DataType) -> str:
    """A file with the types of the Parquet format alone, as DuckDB and Java write it."""
    place = shop.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": range(len(values)), "ts": pa.array(values, kind)}), place, store_schema=False)
    return str(place)


def refused(shop: InProcess, dataset: Parquet, *words: str) -> None:
    outcome = shop.run(lambda rows: rows, shop.parquet("out", replace={}), rows=dataset)
    assert outcome.verdict.category == "input_mismatch", outcome.verdict.text()
    for word in words:
        assert word in outcome.verdict.text()
    for internal in ("polarpod:", "i8", "struct", "strict_cast"):
        assert internal not in outcome.verdict.text()
    assert not shop.committed("out")


def declared(shop: InProcess, **types: str) -> Parquet:
    return Parquet(shop.at("in"), schema={"id": "Int64", **types})


def test_spark_s_timestamps_beyond_nanoseconds_are_refused_unless_microseconds_are_declared(shop: InProcess) -> None:
    put_int96(shop, "in/a.parquet", [moment("2024-01-01")] * 3)
    far = put_int96(shop, "in/b.parquet", FAR)
    words = ("column 'ts' of input 'rows' holds moments that nanoseconds cannot", far, "Datetime[us]")
    refused(shop, Parquet(shop.at("in")), *words)
    refused(shop, declared(shop, ts="Datetime[ns]"), *words)
    assert shop.read(declared(shop, ts="Datetime[us]"))["ts"].to_list() == [moment("2024-01-01")] * 3 + FAR


def test_a_job_that_does_not_read_the_column_is_not_concerned(shop: InProcess) -> None:
    put_int96(shop, "in/a.parquet", FAR)
    outcome = shop.run(lambda rows: rows.select("id"), shop.parquet("out", replace={}), rows=Parquet(shop.at("in")))
    assert outcome.verdict.succeeded, outcome.verdict.text()


def test_nanoseconds_within_their_reach_stay_nanoseconds(shop: InProcess) -> None:
    put_int96(shop, "in/a.parquet", [1717203723123456789, -1, None], NANO)
    put_plain(shop, "in/b.parquet", [2**63 - 2, -(2**63) + 1], NANO)
    read = shop.read(Parquet(shop.at("in")))["ts"]
    assert read.dtype == pl.Datetime("ns")
    assert read.to_physical().to_list() == [1717203723123456789, -1, None, 2**63 - 2, -(2**63) + 1]


def test_the_last_nanosecond_is_a_value_in_a_file_of_arrow_s(shop: InProcess) -> None:
    # pandas' Timestamp.max, which people write for "for ever"
    shop.put("in/a.parquet", pl.DataFrame({"ts": pl.Series([2**63 - 1], dtype=pl.Datetime("ns"))}))
    assert shop.read(Parquet(shop.at("in")))["ts"].to_physical().to_list() == [2**63 - 1]
    put_int96(shop, "far/a.parquet", FAR, arrow=True)
    assert shop.read(Parquet(shop.at("far")))["ts"].to_list() == FAR


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(pa.struct([("at", MICRO), ("id", pa.int64())]), id="in a struct"),
        pytest.param(pa.list_(MICRO), id="in a list"),
        pytest.param(pa.list_(pa.struct([("at", MICRO)])), id="in a list of structs"),
    ],
)
def test_nested_timestamps_beyond_nanoseconds_are_refused_too(shop: InProcess, kind: pa.DataType) -> None:
    def nested(value: Any) -> Any:
        inner = {"at": value, "id": 1} if pa.types.is_struct(kind) else value
        return inner if pa.types.is_struct(kind) else [{"at": value} if pa.types.is_struct(kind.value_type) else value]

    put_int96(shop, "in/a.parquet", [nested(moment("2024-01-01")), None], kind)
    assert shop.read(Parquet(shop.at("in"))).height == 2
    far = put_int96(shop, "in/b.parquet", [None, nested(FAR[0])], kind)
    refused(shop, Parquet(shop.at("in")), "column 'ts' of input 'rows' holds moments that nanoseconds cannot", far)


@pytest.mark.parametrize("put", [pytest.param(put_int96, id="INT96"), pytest.param(put_plain, id="INT64")])
@pytest.mark.parametrize("dtype", [pytest.param("Datetime[us]", id="us"), pytest.param("Datetime[ms]", id="ms")])
def test_declared_timestamps_lose_no_digits(shop: InProcess, put: Any, dtype: str) -> None:
    put(shop, "in/a.parquet", [1_000_000_000, 2_000_000, None], NANO)
    assert shop.read(declared(shop, ts=dtype))["ts"].dt.epoch("ms").to_list() == [1000, 2, None]
    fine = put(shop, "in/b.parquet", [0, 1_000_001], NANO)
    refused(
        shop, declared(shop, ts=dtype), "column 'ts' of input 'rows' holds values that the declared type would round", fine
    )


@pytest.mark.parametrize("put", [pytest.param(put_int96, id="INT96"), pytest.param(put_plain, id="INT64")])
@pytest.mark.parametrize("arrow", [pytest.param(True, id="Arrow's"), pytest.param(False, id="plain")])
def test_declared_lists_of_timestamps_lose_no_digits_either(shop: InProcess, put: Any, arrow: bool) -> None:
    kind = declared(shop, ts="List[Datetime[us]]")
    put(shop, "in/a.parquet", [[1_000_000_000, None], None], pa.list_(NANO))
    assert shop.read(kind)["ts"].list.first().to_physical().to_list() == [1_000_000, None]
    if arrow:
        frame = pl.DataFrame({"id": [1], "ts": pl.Series([[0, 1_000_001]], dtype=pl.List(pl.Datetime("ns")))})
        fine = shop.put("in/b.parquet", frame)
    else:
        fine = put(shop, "in/b.parquet", [[0, 1_000_001]], pa.list_(NANO))
    words = ("column 'ts' of input 'rows' holds values that the declared type would round", "1970-01-01 00:00:00.001000001")
    refused(shop, kind, *words, fine)


def test_arrow_s_nanoseconds_lose_no_digits_either_and_meet_other_units(shop: InProcess) -> None:
    def put(name: str, unit: Any, value: int) -> str:
        series = pl.Series([value], dtype=pl.Datetime(unit))
        return shop.put(f"in/{name}.parquet", pl.DataFrame({"id": [1], "ts": series}))

    put("a", "us", 253402214400000000)
    put("b", "ns", 5_000)
    put("c", "ms", 7)
    read = shop.read(declared(shop, ts="Datetime[us]"))["ts"]
    assert read.to_list() == [moment("9999-12-31"), moment("1970-01-01T00:00:00.000005"), moment("1970-01-01T00:00:00.007")]
    fine = put("d", "ns", 5_001)
    refused(shop, declared(shop, ts="Datetime[us]"), "column 'ts' of input 'rows' holds values", "would round", fine)
    assert (
        "in/a.parquet"
        not in shop.run(
            lambda rows: rows, shop.parquet("x", replace={}), rows=declared(shop, ts="Datetime[us]")
        ).verdict.text()
    )
    # the other way round, what does not fit fails by itself
    outcome = shop.run(lambda rows: rows, shop.parquet("x", replace={}), rows=declared(shop, ts="Datetime[ns]"))
    assert not outcome.verdict.succeeded


@pytest.mark.parametrize(
    ("dtype", "stored", "values"),
    [
        pytest.param("Float64", pl.Int64, [2**53 + 1], id="more digits than a double has"),
        pytest.param("Float64", pl.Int64, [-(2**53) - 1], id="likewise below zero"),
        pytest.param("Float64", pl.Int64, [2**63 - 1], id="the largest whole number"),
        pytest.param("Float64", pl.UInt64, [2**64 - 1], id="the largest unsigned one"),
        pytest.param("Float32", pl.Int32, [2**24 + 1], id="more digits than a float has"),
    ],
)
def test_a_whole_number_that_a_declared_float_would_round_is_refused(
    shop: InProcess, dtype: str, stored: Any, values: list[int]
) -> None:
    shop.put("in/a.parquet", pl.DataFrame({"id": [0], "n": pl.Series([2**24], dtype=stored)}))
    shop.put("in/b.parquet", pl.DataFrame({"id": [1], "n": pl.Series([0.5], dtype=getattr(pl, dtype))}))
    assert shop.read(declared(shop, n=dtype)).rows() == [(0, 2.0**24), (1, 0.5)]
    file = shop.put("in/c.parquet", pl.DataFrame({"id": [2], "n": pl.Series(values, dtype=stored)}))
    refused(
        shop, declared(shop, n=dtype), "column 'n' of input 'rows' holds values that the declared type would round", file
    )


def test_a_small_integer_is_a_float_without_further_ado(shop: InProcess) -> None:
    shop.put("in/a.parquet", pl.DataFrame({"id": [0], "n": pl.Series([-7], dtype=pl.Int32)}))
    assert shop.read(declared(shop, n="Float64"))["n"].to_list() == [-7.0]


@pytest.mark.parametrize("dtype", [pytest.param(f"Decimal{name}", id=name) for name in ("(10, 2)", "(18, 4)", "(3, 3)")])
def test_a_decimal_is_read_at_its_own_scale_or_not_at_all(shop: InProcess, dtype: str) -> None:
    frame = pl.DataFrame({"id": [0], "n": pl.Series([Decimal("19.999")], dtype=pl.Decimal(10, 3))})
    file = shop.put("in/a.parquet", frame)
    refused(shop, declared(shop, n=dtype), "column 'n' of an input is Decimal(10, 3)", file)
    assert shop.read(declared(shop, n="Decimal(18, 3)"))["n"].to_list() == [Decimal("19.999")]


def test_a_declared_column_in_another_case_is_not_taken_for_one_that_is_missing(shop: InProcess) -> None:
    shop.put("in/a.parquet", pl.DataFrame({"id": [1]}))
    file = shop.put("in/b.parquet", pl.DataFrame({"ID": [2], "more": [3]}))
    refused(shop, declared(shop), "a file of input 'rows' has column 'ID' where 'id' is declared", f"{file}: 'ID' is Int64")
    assert shop.read(declared(shop, ID="Int64")).rows() == [(1, None), (None, 2)]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        pytest.param({"id": [2]}, ["lacks column 'n'"], id="a column less"),
        pytest.param({"id": [2], "n": [1], "z": [1]}, ["extra column 'z'"], id="a column more"),
        pytest.param({"id": [2], "N": [1]}, ["'N'"], id="another case"),
        pytest.param({"id": [2], "n": [1.0]}, ["column 'n'", "Float64"], id="another type"),
    ],
)
def test_undeclared_files_that_differ_are_refused_with_file_and_column(
    shop: InProcess, second: Any, words: list[str]
) -> None:
    shop.put("in/a.parquet", pl.DataFrame({"id": [1], "n": [1]}))
    file = shop.put("in/b.parquet", pl.DataFrame(second))
    refused(shop, Parquet(shop.at("in")), *words, file)
    shop.put("in/b.parquet", pl.DataFrame({"n": [2], "id": [3]}))
    assert shop.read(Parquet(shop.at("in"))).rows() == [(1, 1), (3, 2)]


ODD = [
    "a*",
    "ab",
    "step[1]",
    "step1",
    "q?",
    "qx",
    "%41",
    "A",
    "x%2Fy",
    "h#1",
    "sp ace",
    "\u00e9",
    "e\u0301",
    "k=v",
    "a&b;c:d@e",
]


@pytest.mark.parametrize("lake", [pytest.param(name, id=name) for name in ("local", "moto")], indirect=True)
@pytest.mark.parametrize(
    "folder", [pytest.param("in", id="a folder"), pytest.param("k=[1]", id="a folder that is a column")]
)
def test_every_listed_file_is_read_as_itself(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str
) -> None:
    for key, value in lake.environment.items():
        monkeypatch.setenv(key, value)
    place = Folder(join(lake.uri, "lake", folder), lake.storage)
    for number, name in enumerate(ODD):
        pl.DataFrame({"id": [number]}).write_parquet(tmp_path / "x")
        place.write(f"{name}.parquet", (tmp_path / "x").read_bytes())
    for schema in (None, {"id": "Int64"}):
        dataset = Parquet(join(lake.uri, "lake"), schema=schema)
        frame = scan("orders", dataset, list_input("orders", dataset, lake.storage), lake.storage).collect()
        assert sorted(frame["id"]) == list(range(len(ODD)))
        assert folder == "in" or set(frame["k"]) == {"[1]"}
