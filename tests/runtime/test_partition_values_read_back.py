"""Partition values are read back, equal: by the next job, by Polars, pyarrow and DuckDB from the folders, by Polars and
deltalake from the log. Generated values of every type that can partition go through a whole attempt in every mode; each is
published and equal for every reader, or refused with its column before anything is committed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as pads
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.runtime.test_read_back import FLAT, TEXTS, assert_same, by_arrow, normal
from tests.support.in_process import InProcess

from polarpod.runtime.engines.polars.formats.delta import fit_delta
from polarpod.runtime.engines.polars.partition import _TYPES, fit_keys

LONG = st.sampled_from(["x" * 255, "x" * 253, "ß" * 42, "ß" * 43, "%" * 84, "%" * 85, "a" * 251 + "/"])
PARTITIONS = (*_TYPES, pl.Categorical, pl.Enum)
KEYS = st.one_of(*FLAT).filter(lambda kind: isinstance(kind[0], PARTITIONS))
TEXT_KEYS = st.just((pl.String(), TEXTS | LONG))
WAYS: dict[str, tuple[dict[str, Any], ...]] = {
    "delta": ({"replace": {}}, {"append": True}, {"merge": ["id"]}, {"replace": "id >= 0"}),
    "parquet": ({"replace": {}}, {"append": True}),
}


@st.composite
def keyed(draw: st.DrawFn) -> tuple[pl.DataFrame, list[str]]:
    """Rows with one or two partition columns."""
    kinds = draw(st.lists(st.one_of(TEXT_KEYS, KEYS), min_size=1, max_size=2))
    names = ["k", "Other_1"][: len(kinds)]
    height = draw(st.integers(1, 4))
    keys = [
        pl.Series(name, draw(st.lists(st.none() | values, min_size=height, max_size=height)), dtype=dtype)
        for name, (dtype, values) in zip(names, kinds, strict=True)
    ]
    return pl.DataFrame([pl.Series("id", range(height), dtype=pl.Int64), *keys]), names


def from_folders(shop: InProcess, wanted: pl.DataFrame, by: list[str]) -> dict[str, Callable[[], pl.DataFrame]]:
    """Readers that know a table from its folders' names alone, and the types from the caller."""
    root, types = shop.root / "out", {column: wanted.schema[column] for column in by}
    arrow = {field.name: field.type for field in wanted.select(by).to_arrow().schema}
    texts = {column: _in_a_folder(kind) for column, kind in arrow.items()}
    files = sorted(str(path) for path in root.rglob("*.parquet") if "_delta_log" not in str(path))
    found: dict[str, Callable[[], pl.DataFrame]] = {
        "Polars": lambda: pl.read_parquet(files, glob=False, hive_partitioning=True, hive_schema=types),
    }
    # DuckDB guesses types, or takes all for text
    # pyarrow makes no decimal of a folder's name
    if all(not isinstance(dtype, pl.Decimal) for dtype in types.values()):
        scheme = pads.HivePartitioning(pa.schema(list(texts.items())), segment_encoding="uri")
        found["pyarrow"] = lambda: by_arrow(
            [pads.dataset(files, partitioning=scheme, partition_base_dir=str(root)).to_table()]
        )
    if all(dtype == pl.String() for dtype in types.values()):
        found["duckdb"] = lambda: by_duckdb(files)
    return found


def _in_a_folder(kind: pa.DataType) -> pa.DataType:
    """The type in which pyarrow reads a folder's name: moments are spelled with microseconds, whatever their unit."""
    if pa.types.is_timestamp(kind) and kind.unit == "ms":
        return pa.timestamp("us", kind.tz)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def by_duckdb(files: list[str]) -> pl.DataFrame:
    text = "select * from read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"
    with duckdb.connect() as connection:
        return by_arrow([connection.execute(text, [files]).to_arrow_table()])


def from_log(shop: InProcess) -> dict[str, Callable[[], pl.DataFrame]]:
    return {
        "Polars of the log": lambda: pl.read_delta(shop.at("out")),
        "deltalake": lambda: by_arrow([DeltaTable(shop.at("out")).to_pyarrow_table()]),
    }


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind) for kind in WAYS])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_every_reader_gets_back_the_partition_values_that_were_published(kind: str, data: st.DataObject) -> None:
    frame, by = data.draw(keyed())
    way = data.draw(st.sampled_from(WAYS[kind]))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shop = InProcess(Path(folder))
        outcome = shop.publish(frame, getattr(shop, kind)("out", partition_by=by, **way))
        if not outcome.verdict.succeeded:
            event(f"{kind}: {outcome.verdict.summary}")
            assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
            said = [outcome.verdict.summary, *outcome.verdict.evidence]
            assert any(column in line for column in by for line in said), outcome.verdict.text()
            assert not shop.committed("out")
            return
        event(f"{kind}: published")
        kept = fit_keys(fit_delta(frame.lazy()) if kind == "delta" else frame.lazy(), by).collect()
        wanted = kept.sort("id")
        assert_same("the next job", shop.read(getattr(shop, kind)("out")).sort("id").select(wanted.columns), wanted)
        readers = from_folders(shop, wanted, by) if "merge" not in way and not isinstance(way.get("replace"), str) else {}
        for reader, read in {**readers, **(from_log(shop) if kind == "delta" else {})}.items():
            found = read().sort("id").select(wanted.columns)
            assert_same(reader, found if reader.startswith("Polars") else normal(found, wanted), wanted)
