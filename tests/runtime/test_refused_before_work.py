"""What a table cannot hold is refused before a row is made: nothing is committed, and the corrected job publishes there."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Delta, Output
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.engines.polars.partition import check_length

NOON = dt.datetime.fromisoformat("2024-02-29T12:00:00")
BOTH = ("delta", "parquet")


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def output(shop: InProcess, kind: str, *partition_by: str) -> Output:
    made: Output = getattr(shop, kind)("out", append=True, partition_by=list(partition_by))
    return made


def refused(shop: InProcess, frame: pl.DataFrame, place: Output, *words: str) -> None:
    made: list[int] = []

    def noted(batch: pl.DataFrame) -> pl.DataFrame:
        made.append(batch.height)
        return batch

    lf = frame.lazy().map_batches(noted, schema=frame.schema, streamable=True)
    outcome = shop.publish(lf, place)
    text = outcome.verdict.text()
    assert outcome.verdict.category == "output_mismatch", text
    assert not [word for word in words if word not in text], text
    assert not made, "it is refused before any work"
    assert not shop.committed("out")


def test_the_corrected_job_publishes_where_the_refused_one_wanted_to(shop: InProcess) -> None:
    frame = pl.DataFrame({"i": [1, 2], "k": [[1], [2]]})
    refused(shop, frame, output(shop, "delta", "k"), "cannot be partitioned by k", "k: List[Int64]")
    outcome = shop.publish(frame, output(shop, "delta", "i"))
    assert outcome.verdict.succeeded, outcome.verdict.text()
    assert shop.version("out") == 0
    assert shop.read(shop.delta("out")).sort("i").select("i", "k").equals(frame)


@pytest.mark.parametrize(
    ("kinds", "key"),
    [
        pytest.param(BOTH, pl.Series([[1]]), id="List"),
        pytest.param(BOTH, pl.Series([{"a": 1}]), id="Struct"),
        pytest.param(BOTH, pl.Series([b"a"]), id="Binary"),
        pytest.param(("parquet",), pl.Series([[1]], dtype=pl.Array(pl.Int64, 1)), id="Array"),
        pytest.param(("parquet",), pl.Series([dt.time(1)]), id="Time"),
        pytest.param(("parquet",), pl.Series([dt.timedelta(1)]), id="Duration"),
        pytest.param(("parquet",), pl.Series([None]), id="Null"),
        pytest.param(("parquet",), pl.Series([1], dtype=pl.Int128), id="Int128"),
        pytest.param(("parquet",), pl.Series([1], dtype=pl.Float16), id="Float16"),
        pytest.param(BOTH, pl.Series([{"a": 1}], dtype=pl.Map(pl.String, pl.Int64)), id="Map"),
    ],
)
def test_a_partition_column_of_a_type_that_no_reader_gets_back(
    shop: InProcess, kinds: tuple[str, ...], key: pl.Series
) -> None:
    for kind in kinds:
        refused(shop, pl.DataFrame({"i": [1], "k": key}), output(shop, kind, "k"), "cannot be partitioned by k", "k: ")


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind) for kind in BOTH])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param(pl.Series([float("nan")]), "NaN, infinity and -0.0", id="nan"),
        pytest.param(pl.Series([-float("inf")]), "NaN, infinity and -0.0", id="infinity"),
        pytest.param(pl.Series([0.0, -0.0]), "NaN, infinity and -0.0", id="negative-zero-beside-zero"),
        pytest.param(pl.Series([-0.0], dtype=pl.Float32), "NaN, infinity and -0.0", id="negative-zero-of-32-bits"),
        pytest.param(pl.Series([10**7], dtype=pl.Int32).cast(pl.Date), "its year is not between", id="a-day-far-away"),
        pytest.param(
            pl.Series([2**62], dtype=pl.Int64).cast(pl.Datetime("us")), "its year is not between", id="a-moment-far-away"
        ),
    ],
)
def test_a_partition_value_that_no_reader_gets_back(shop: InProcess, kind: str, key: pl.Series, words: str) -> None:
    outcome = shop.publish(pl.DataFrame({"i": range(len(key)), "k": key}), output(shop, kind, "k"))
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    assert "a value of the partition column 'k' cannot name a partition" in outcome.verdict.summary
    assert words in outcome.verdict.summary
    assert not shop.committed("out")


def test_moments_that_differ_by_nanoseconds_never_share_a_file(shop: InProcess) -> None:
    apart = pl.Series([1_000, 1_001, 2_000], dtype=pl.Int64).cast(pl.Datetime("ns"))
    outcome = shop.publish(pl.DataFrame({"i": [1, 2, 3], "k": apart}), output(shop, "parquet", "k"))
    assert "cut a partition's moment after the microseconds" in outcome.verdict.summary
    whole = pl.DataFrame(
        {
            "i": [1, 2, 3],
            "k": apart.dt.truncate("1us").cast(pl.Datetime("ns")) + pl.Series([0, 1000, 0]).cast(pl.Duration("ns")),
        }
    )
    assert shop.publish(whole, output(shop, "parquet", "k")).verdict.succeeded
    assert shop.read(shop.parquet("out")).sort("i").select("i", "k").equals(whole)


@pytest.mark.parametrize(
    "value",
    [pytest.param("", id="empty-text"), pytest.param(Decimal("-0.01"), id="decimal-between-minus-one-and-zero")],
)
def test_a_partition_value_that_delta_s_readers_take_for_another(shop: InProcess, value: object) -> None:
    frame = pl.DataFrame({"i": [1], "k": [value]})
    assert shop.publish(frame, output(shop, "delta", "k")).verdict.category == "output_mismatch"
    assert not shop.committed("out")
    assert shop.publish(frame, output(shop, "parquet", "k")).verdict.succeeded


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind) for kind in BOTH])
def test_values_that_some_file_systems_take_for_one_folder_have_files_of_their_own(shop: InProcess, kind: str) -> None:
    keys = ["a", "A", "ä", "a\u0308", "Ä"]
    assert shop.publish(pl.DataFrame({"i": range(5), "k": keys}), output(shop, kind, "k")).verdict.succeeded
    names = [path.name for path in (shop.root / "out").rglob("*.parquet")]
    assert len(names) == len({name.lower() for name in names}) == 5
    assert shop.read(getattr(shop, kind)("out")).sort("i")["k"].to_list() == keys


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind) for kind in BOTH])
@pytest.mark.parametrize(
    "name", [pytest.param(name, id=name) for name in ("a b", "a:b", "a=b", "a/b", "a%20b", "größe", "I")]
)
def test_a_partition_column_whose_name_readers_do_not_find_in_a_folder_s(shop: InProcess, kind: str, name: str) -> None:
    """Polars' scan_delta looks for the escaped name in the schema, and fails."""
    frame = pl.DataFrame({"x": [1], "i": [2], name: [3]})
    words = "differ in case only" if name == "I" and kind == "delta" else f"the partition column {name!r}"
    refused(shop, frame, output(shop, kind, name), words, "Rename")


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind) for kind in BOTH])
@pytest.mark.parametrize(
    "frame",
    [pytest.param(pl.DataFrame({"": [1]}), id="column"), pytest.param(pl.DataFrame({"s": [{"": 1}]}), id="field")],
)
def test_a_name_that_is_empty(shop: InProcess, kind: str, frame: pl.DataFrame) -> None:
    refused(shop, frame, output(shop, kind), "whose name is empty", "Name them in the transform")


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind) for kind in BOTH])
def test_an_output_of_nothing_but_partition_columns(shop: InProcess, kind: str) -> None:
    refused(shop, pl.DataFrame({"k": [1]}), output(shop, kind, "k"), "every column of the output is a partition column")


@pytest.mark.parametrize(
    ("frame", "pair"),
    [
        pytest.param(pl.DataFrame({"a": [1], "A": [2]}), "a and A", id="columns"),
        pytest.param(pl.DataFrame({"Größe": [1], "GRÖßE": [2]}), "Größe and GRÖßE", id="beyond-ASCII"),
        pytest.param(pl.DataFrame({"s": [{"a": 1, "A": 2}]}), "s.a and s.A", id="fields"),
        pytest.param(pl.DataFrame({"s": [[{"t": {"a": 1, "A": 2}}]]}), "s.element.t.a and s.element.t.A", id="deep-fields"),
        pytest.param(
            pl.DataFrame(
                {
                    "m": pl.Series(
                        [{"k": {"a": 1, "A": 2}}], dtype=pl.Map(pl.String, pl.Struct({"a": pl.Int64, "A": pl.Int64}))
                    )
                }
            ),
            "m.value.a and m.value.A",
            id="fields-of-a-map",
        ),
    ],
)
def test_names_that_differ_in_case_only_are_one_to_a_delta_table(shop: InProcess, frame: pl.DataFrame, pair: str) -> None:
    refused(shop, frame, output(shop, "delta"), "differ in case only", pair, "Rename one of each pair")
    assert shop.publish(frame, output(shop, "parquet")).verdict.succeeded


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(pl.Map(pl.String, pl.Datetime("us")), id="moments-without-a-zone"),
        pytest.param(pl.Map(pl.String, pl.List(pl.Datetime("ms"))), id="deeper"),
        pytest.param(pl.Map(pl.UInt16, pl.String), id="unsigned-keys"),
        pytest.param(pl.Map(pl.String, pl.UInt64), id="UInt64"),
        pytest.param(pl.List(pl.Map(pl.String, pl.Time)), id="in-a-list"),
        pytest.param(pl.Float16(), id="Float16"),
        pytest.param(pl.UInt128(), id="UInt128"),
        pytest.param(pl.Array(pl.Int64, 2), id="Array"),
        pytest.param(pl.Struct({"a": pl.Null}), id="Null-in-a-struct"),
    ],
)
def test_types_that_delta_lacks(shop: InProcess, dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"i": [1], "x": pl.Series([None], dtype=dtype)})
    refused(shop, frame, output(shop, "delta"), "cannot hold without losing values", "x: ", "Cast them in the transform")


@pytest.mark.parametrize("dtype", [pytest.param(pl.Int128(), id="Int128"), pytest.param(pl.List(pl.UInt128()), id="nested")])
def test_integers_that_only_polars_reads(shop: InProcess, dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"x": pl.Series([None], dtype=dtype)})
    refused(shop, frame, output(shop, "parquet"), "a Parquet file cannot hold", "is read by Polars alone")


def test_a_struct_without_fields_is_no_column(shop: InProcess) -> None:
    frame = pl.DataFrame({"i": [1], "x": pl.Series([{}], dtype=pl.Struct({}))})
    refused(shop, frame, output(shop, "parquet"), "a Parquet file cannot hold", "x: ")


def test_what_a_map_holds_is_widened_as_elsewhere(shop: InProcess) -> None:
    frame = pl.DataFrame({"x": pl.Series([{"a": 2**32 - 1}], dtype=pl.Map(pl.String, pl.UInt32))})
    for _ in range(2):
        assert shop.publish(frame, Delta(shop.at("out"), replace={}), force=True).verdict.succeeded
    found = shop.read(shop.delta("out"))
    assert found.schema == {"x": pl.Map(pl.String, pl.Int64)}
    assert found["x"].to_list() == frame["x"].to_list()


def test_a_column_without_a_value_is_told_as_one_without_a_type(shop: InProcess) -> None:
    outcome = shop.publish(pl.DataFrame({"i": [1], "note": [None]}), output(shop, "delta"))
    assert outcome.verdict.category == "output_mismatch"
    assert outcome.verdict.evidence == ["note: Null"]
    assert (
        "has no value in any row, so that nothing says its type: declare it in the input's schema" in outcome.verdict.remedy
    )


def test_a_key_that_an_object_store_does_not_take_is_refused_by_its_longest_value() -> None:
    values = {"a": "x" * 10, "k": "ß" * 200}
    check_length(f"s3://bucket/{'x' * 1024}", values)
    check_length(f"/bucket/{'x' * 2000}", values)
    for key in ("x" * 1025, "ß" * 513):
        with pytest.raises(
            PolarpodError, match="partition column 'k' cannot name a partition: its files' keys are too long"
        ):
            check_length(f"s3://bucket/{key}", values)
