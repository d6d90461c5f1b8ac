"""What a Delta log says of a file's columns: a reader that leaves files out by it finds the same rows, only sooner.

A bound that is off by one loses rows in silence: https://github.com/delta-io/delta-rs/issues/1525,
https://github.com/apache/arrow-rs/issues/5037
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tests.support.in_process import InProcess

MOMENT = dt.datetime(2024, 2, 29, 23, 59, 59, 987000)  # noqa: DTZ001  # of a column without a time zone
BEFORE_1970 = dt.datetime(1969, 12, 31, 23, 59, 59, 1000)  # noqa: DTZ001  # likewise


def statistics(at: str) -> list[dict[str, Any]]:
    """Of each file, oldest first."""
    logs = sorted(Path(at, "_delta_log").glob("*.json"))
    actions = [json.loads(line) for log in logs for line in log.read_text().split("\n")]
    return [json.loads(action["add"]["stats"]) for action in actions if "add" in action]


def published(tmp_path: Path, *frames: pl.DataFrame) -> str:
    shop = InProcess(tmp_path)
    for number, frame in enumerate(frames):
        outcome = shop.publish(frame, shop.delta("t", append=True), name=f"job{number}")
        assert outcome.verdict.succeeded, outcome.verdict.text()
    return shop.at("t")


@pytest.mark.parametrize(
    ("values", "least", "greatest"),
    [
        pytest.param(pl.Series([3, None, -7], dtype=pl.Int64), -7, 3, id="integers"),
        pytest.param(pl.Series([-(2**63), 2**63 - 1], dtype=pl.Int64), -(2**63), 2**63 - 1, id="the widest integers"),
        pytest.param(pl.Series([-128, 127], dtype=pl.Int8), -128, 127, id="the narrowest integers"),
        pytest.param(pl.Series(["b", "a", None, "ä"]), "a", "ä", id="texts"),
        pytest.param(pl.Series(["", 'a"\\\n\u2028']), "", 'a"\\\n\u2028', id="texts that JSON escapes"),
        pytest.param(pl.Series([dt.date(1, 1, 1), dt.date(9999, 12, 31)]), "0001-01-01", "9999-12-31", id="dates"),
        pytest.param(
            pl.Series([MOMENT], dtype=pl.Datetime("us")), "2024-02-29 23:59:59.987", None, id="moments without a zone"
        ),
        pytest.param(pl.Series([MOMENT]).dt.replace_time_zone("UTC"), "2024-02-29T23:59:59.987Z", None, id="moments in UTC"),
        pytest.param(pl.Series([BEFORE_1970]), "1969-12-31 23:59:59.001", None, id="before 1970"),
    ],
)
def test_bounds_are_exact(tmp_path: Path, values: pl.Series, least: Any, greatest: Any) -> None:
    (said,) = statistics(published(tmp_path, pl.DataFrame({"c": values})))
    assert said["minValues"] == {"c": least}
    assert said["maxValues"] == {"c": least if greatest is None else greatest}
    assert said["nullCount"] == {"c": values.null_count()}
    assert said["numRecords"] == len(values)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pl.Series([1.5, float("nan")]), id="floats, since a footer leaves NaN out"),
        pytest.param(pl.Series([Decimal("0.1")]), id="decimals, since readers take them for floats"),
        pytest.param(pl.Series([MOMENT + dt.timedelta(microseconds=1)]), id="moments finer than a log's"),
        pytest.param(pl.Series(["a", "z" * 64]), id="texts that may have been cut"),
        pytest.param(pl.Series(["a", "z" + "é" * 40]), id="texts that were cut before a character of two bytes"),
        pytest.param(pl.Series(["a", "zz" + "€" * 30]), id="texts that were cut before a character of three bytes"),
        pytest.param(pl.Series(["a", "z" + "😀" * 20]), id="texts that were cut before a character of four bytes"),
        pytest.param(pl.Series(["é" * 40]), id="texts that were cut"),
        pytest.param(pl.Series([b"a"]), id="bytes"),
        pytest.param(pl.Series([True, False]), id="truth values"),
    ],
)
def test_a_bound_that_would_not_be_exact_is_left_out(tmp_path: Path, values: pl.Series) -> None:
    (said,) = statistics(published(tmp_path, pl.DataFrame({"c": values})))
    assert said == {"numRecords": len(values)}


def test_nothing_but_nulls_is_told_as_such(tmp_path: Path) -> None:
    (said,) = statistics(published(tmp_path, pl.DataFrame({"c": pl.Series([None, None], dtype=pl.Int64)})))
    assert said == {"numRecords": 2, "minValues": {}, "maxValues": {}, "nullCount": {"c": 2}}


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param({"c": [1.5]}, id="a column without bounds"),
        pytest.param({"c": [[1]]}, id="a list"),
        pytest.param({"c": [{"x": 1}]}, id="a struct"),
        pytest.param({f"c{number}": [number] for number in range(32)}, id="more columns than are indexed"),
    ],
)
def test_all_columns_have_bounds_or_none(tmp_path: Path, beside: dict[str, list[Any]]) -> None:
    at = published(tmp_path, pl.DataFrame({"k": [1]} | beside))
    assert statistics(at) == [{"numRecords": 1}]
    column = next(iter(beside))
    if not isinstance(beside[column][0], (list, dict)):
        assert DeltaTable(at).to_pyarrow_dataset().to_table(filter=ds.field(column) >= beside[column][0]).num_rows == 1


def test_partition_columns_are_in_the_path_alone(tmp_path: Path) -> None:
    shop = InProcess(tmp_path)
    assert shop.publish(pl.DataFrame({"k": ["a"], "v": [1]}), shop.delta("t", replace={"k": "a"})).verdict.succeeded
    (said,) = statistics(shop.at("t"))
    assert said == {"numRecords": 1, "minValues": {"v": 1}, "maxValues": {"v": 1}, "nullCount": {"v": 0}}


def test_readers_open_only_the_files_that_can_match(tmp_path: Path) -> None:
    at = published(tmp_path, *(pl.DataFrame({"k": range(10 * day, 10 * day + 10)}) for day in range(8)))
    dataset = DeltaTable(at).to_pyarrow_dataset()
    wanted = ds.field("k") >= 75
    assert len(list(dataset.get_fragments(filter=wanted))) == 1
    assert sorted(dataset.to_table(filter=wanted)["k"].to_pylist()) == [75, 76, 77, 78, 79]


INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
TEXTS = st.text(max_size=3) | st.text(st.sampled_from("aäz\U0010ffff"), min_size=60, max_size=70)
DATES = st.dates()
MOMENTS = st.datetimes() | st.datetimes().map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
ROWS = st.lists(
    st.tuples(*(st.none() | values for values in (INTEGERS, TEXTS, DATES, MOMENTS, MOMENTS))), min_size=1, max_size=4
)
SCHEMA = {"i": pl.Int64, "s": pl.String, "d": pl.Date, "n": pl.Datetime("us"), "z": pl.Datetime("us", "UTC")}


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(files=st.lists(ROWS, min_size=2, max_size=3), data=st.data())
def test_any_comparison_finds_the_rows_it_finds_without_statistics(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[Any, ...]]], data: st.DataObject
) -> None:
    frames = [pl.DataFrame(rows, schema=SCHEMA, orient="row") for rows in files]
    at = published(tmp_path_factory.mktemp("t"), *frames)
    every = pl.concat(frames)
    column = data.draw(st.sampled_from(list(SCHEMA)))
    bound = data.draw(st.sampled_from(every[column].drop_nulls().to_list() or [None]))
    if bound is None:
        return
    for name, compare in COMPARISONS.items():
        wanted = every.filter(compare(pl.col(column), pl.lit(bound, SCHEMA[column])))
        found = pl.scan_delta(at).filter(compare(pl.col(column), pl.lit(bound, SCHEMA[column]))).collect()
        assert_frame_equal(found, wanted, check_row_order=False)
        arrow = DeltaTable(at).to_pyarrow_dataset().to_table(filter=compare(ds.field(column), bound))
        assert arrow.num_rows == wanted.height, name


COMPARISONS = {
    "equal": lambda left, right: left == right,
    "less": lambda left, right: left < right,
    "less or equal": lambda left, right: left <= right,
    "greater": lambda left, right: left > right,
    "greater or equal": lambda left, right: left >= right,
}
