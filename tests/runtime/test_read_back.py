"""What is published is read back, equal: by the next job, by Polars, pyarrow, DuckDB and deltalake. Frames of generated
names, types, values, nesting and nulls go through a whole attempt; each is published and equal for every reader, or refused
before anything is committed."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support.in_process import InProcess

from polarpod.runtime.engines.polars.formats.delta import _nested_twins, delta_type, fit_delta

Values = st.SearchStrategy[Any]

NAMES = st.one_of(
    st.sampled_from(
        [
            "a", "A", "a b", " a", "a.b", 'a"b', "a'b", "a`b", "a\\b", "a%20b", "a#b", "a?b", "a=b", "a/b",
            "a,b;c", "{a}", "(a)",
            "a\nb", "a\tb", "ä", "a\u0308", "日本", "😀", "_a",
            ".a", "__index_level_0__", "select", "id", "ID", "a[0]", "*",
            "ß", "-", "",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(
        [
            "", " ", "a", "A", "007", "1.10", "1e3", "2024-01-01", "true", "null", "None", "NaN",
            "__HIVE_DEFAULT_PARTITION__", "x/y", "..",
            "%2e", "a=b", "ä", "a\u0308", "\x00", "\n", "'", '"', "\\", "😀", "x" * 200,
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)  # fmt: skip
DAYS = st.one_of(st.dates(), st.sampled_from([dt.date.min, dt.date.max, dt.date(1582, 10, 10), dt.date(1969, 12, 31)]))
MOMENTS = st.one_of(
    st.datetimes(),
    st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2038, 1, 1)),  # noqa: DTZ001  # a column without a zone
)
# what a Datetime["ns"] holds
NEAR = st.datetimes(dt.datetime(1678, 1, 1), dt.datetime(2262, 1, 1))  # noqa: DTZ001  # likewise
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu")


def integers(dtype: type[pl.DataType], bits: int, *, signed: bool) -> tuple[pl.DataType, Values]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return dtype(), st.one_of(st.sampled_from([low, high, 0, 1]), st.integers(low, high))


@st.composite
def decimals(draw: st.DrawFn) -> tuple[pl.DataType, Values]:
    precision = draw(st.sampled_from([1, 9, 10, 18, 19, 38]))
    scale = draw(st.sampled_from([0, min(2, precision), precision]))
    most = 10**precision - 1
    whole = st.one_of(st.sampled_from([most, -most, 0, -1]), st.integers(-most, most))
    return pl.Decimal(precision, scale), whole.map(lambda number: Decimal(number).scaleb(-scale))


@st.composite
def moments(draw: st.DrawFn) -> tuple[pl.DataType, Values]:
    unit = draw(st.sampled_from(["ms", "us", "ns"]))
    zone = draw(st.sampled_from([None, *ZONES]))
    values = NEAR if unit == "ns" else MOMENTS
    if zone is None:
        return pl.Datetime(unit), values
    shown = ZoneInfo(zone)
    inside = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
    return pl.Datetime(unit, zone), inside.map(lambda moment: moment.astimezone(shown))


FLAT: list[Values] = [
    st.just(integers(pl.Int8, 8, signed=True)),
    st.just(integers(pl.Int16, 16, signed=True)),
    st.just(integers(pl.Int32, 32, signed=True)),
    st.just(integers(pl.Int64, 64, signed=True)),
    st.just(integers(pl.UInt8, 8, signed=False)),
    st.just(integers(pl.UInt16, 16, signed=False)),
    st.just(integers(pl.UInt32, 32, signed=False)),
    st.just(integers(pl.UInt64, 64, signed=False)),
    st.just(integers(pl.Int128, 128, signed=True)),
    st.just((pl.Float64(), st.floats())),
    st.just((pl.Float32(), st.floats(width=32))),
    st.just((pl.Float16(), st.floats(width=16))),
    decimals(),
    st.just((pl.String(), TEXTS)),
    st.just((pl.Binary(), st.binary(max_size=4))),
    st.just((pl.Date(), DAYS)),
    st.just((pl.Time(), st.times())),
    moments(),
    st.sampled_from(["ms", "us", "ns"]).map(
        lambda unit: (pl.Duration(unit), st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)))
    ),
    st.just((pl.Boolean(), st.booleans())),
    st.just((pl.Null(), st.none())),
    st.just((pl.Categorical(), TEXTS)),
    st.just((pl.Enum(["", "S", "M", "007"]), st.sampled_from(["", "S", "M", "007"]))),
]


def nested(inner: Values) -> Values:
    def lists(of: tuple[pl.DataType, Values]) -> tuple[pl.DataType, Values]:
        return pl.List(of[0]), st.lists(st.none() | of[1], max_size=3)

    def arrays(of: tuple[pl.DataType, Values]) -> tuple[pl.DataType, Values]:
        return pl.Array(of[0], 2), st.lists(st.none() | of[1], min_size=2, max_size=2)

    def maps(of: tuple[pl.DataType, Values]) -> tuple[pl.DataType, Values]:
        return pl.Map(pl.String, of[0]), st.dictionaries(TEXTS, st.none() | of[1], max_size=2)

    def structs(of: dict[str, tuple[pl.DataType, Values]]) -> tuple[pl.DataType, Values]:
        dtype = pl.Struct({name: dtype for name, (dtype, _) in of.items()})
        return dtype, st.fixed_dictionaries({name: st.none() | values for name, (_, values) in of.items()})

    named = st.dictionaries(NAMES, inner, min_size=1, max_size=2)
    return inner.map(lists) | inner.map(arrays) | inner.map(maps) | named.map(structs)


KINDS = st.recursive(st.one_of(FLAT), nested, max_leaves=3)
# refused types would leave few frames to publish
FITS_DELTA = st.one_of(FLAT).filter(lambda kind: delta_type(kind[0]) is not None)
IN_DELTA = st.one_of(FITS_DELTA, st.recursive(FITS_DELTA, nested, max_leaves=3))


@st.composite
def frames(draw: st.DrawFn, kinds: Values = KINDS) -> pl.DataFrame:
    columns = draw(st.dictionaries(NAMES, kinds, min_size=1, max_size=3))
    height = draw(st.sampled_from([0, 1, 1, 2, 3]))
    return pl.DataFrame(
        [
            pl.Series(name, draw(st.lists(st.none() | values, min_size=height, max_size=height)), dtype=dtype)
            for name, (dtype, values) in columns.items()
        ]
    )


def normal(found: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """What another reader found, in Polars' types and under the wanted names. A cast is strict: it changes no value."""
    assert found.width == wanted.width
    columns = zip(found.get_columns(), wanted.get_columns(), strict=True)
    return pl.DataFrame([is_as.alias(should.name).cast(should.dtype) for is_as, should in columns])


def assert_same(reader: str, found: pl.DataFrame, wanted: pl.DataFrame) -> None:
    from polars.testing import assert_frame_equal

    try:
        assert_frame_equal(found, wanted, check_exact=True, check_row_order=True)
    except AssertionError as error:
        raise AssertionError(f"{reader}: {error}") from None


def by_arrow(tables: list[pa.Table]) -> pl.DataFrame:
    frames = [pl.from_arrow(table) for table in tables]
    assert all(isinstance(frame, pl.DataFrame) for frame in frames)
    return pl.concat(frames)  # type: ignore[type-var]  # asserted above


def by_duckdb(files: list[str]) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.execute("select * from read_parquet(?, hive_partitioning = false)", [files]).to_arrow_table()
    return by_arrow([found])


def files_of(shop: InProcess, kind: str) -> list[str]:
    if kind == "delta":
        return [str(shop.root / "out" / path) for path in paths_in_log(shop)]
    manifest = json.loads((shop.root / "out/_polarpod/manifest.json").read_bytes())
    return [str(shop.root / "out" / file["path"]) for entry in manifest["entries"] for file in entry["files"]]


def paths_in_log(shop: InProcess) -> list[str]:
    from urllib.parse import unquote

    return [unquote(path) for path in DeltaTable(shop.at("out")).get_add_actions().column("path").to_pylist()]


def as_published(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    return fit_delta(frame.lazy()).collect() if kind == "delta" else frame


def readers_of(shop: InProcess, kind: str) -> dict[str, Callable[[], pl.DataFrame]]:
    files = files_of(shop, kind)
    if kind == "delta":
        table = DeltaTable(shop.at("out"))
        found: dict[str, Callable[[], pl.DataFrame]] = {
            "Polars": lambda: pl.read_delta(shop.at("out")),
            "deltalake": lambda: by_arrow([table.to_pyarrow_table()]),
        }
    else:
        found = {
            "Polars": lambda: pl.read_parquet(files, hive_partitioning=False, glob=False),
            "pyarrow": lambda: by_arrow([pq.ParquetFile(file).read() for file in files]),
        }
    # DuckDB has one case only, and calls the second of two fields something else
    if any(_nested_twins("", dtype) for dtype in shop.read(getattr(shop, kind)("out", allow_empty=True)).dtypes):
        return found
    # without rows there is no file to look into
    return found | ({"duckdb": lambda: by_duckdb(files)} if files else {}) if files or kind == "delta" else {}


@pytest.mark.parametrize("kind", [pytest.param("delta", id="delta"), pytest.param("parquet", id="parquet")])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_every_reader_gets_back_what_was_published(kind: str, data: st.DataObject) -> None:
    frame = data.draw(frames(IN_DELTA if kind == "delta" else KINDS))
    with tempfile.TemporaryDirectory() as folder:
        shop = InProcess(Path(folder))
        outcome = shop.publish(frame, getattr(shop, kind)("out", replace={}, allow_empty=True))
        if not outcome.verdict.succeeded:
            event(f"{kind}: {outcome.verdict.summary}")
            assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
            assert any(column in line for column in frame.columns for line in outcome.verdict.evidence), (
                outcome.verdict.text()
            )
            assert not shop.committed("out")
            return
        event(f"{kind}: published")
        wanted = as_published(frame, kind)
        assert_same("the next job", shop.read(getattr(shop, kind)("out", allow_empty=True)), wanted)
        for reader, read in readers_of(shop, kind).items():
            found = read()
            assert_same(reader, found if reader == "Polars" else normal(found, wanted), wanted)
