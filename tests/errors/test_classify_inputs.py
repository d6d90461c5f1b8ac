"""What is said of inputs that are missing, damaged or of other columns than declared, while a query reads them.

Excluded: object stores, see test_classify_stores.py; how inputs are scanned.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from polarpod.contract.verdict import Category, Verdict
from polarpod.runtime.classify import classify

SCHEMA = {"a": pl.Int64, "b": pl.String}
GOOD = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
Stage = Callable[[pl.LazyFrame], Verdict]


@pytest.fixture
def stage(caught: Any, tmp_path: Path) -> Stage:
    """The verdict on a plan, with a transform behind the scan as a job has one, run as the worker runs it."""

    def run(lf: pl.LazyFrame) -> Verdict:
        plan = lf.with_columns(c=pl.lit(1)).group_by("c").agg(pl.all().count())
        error = caught(lambda: pl.collect_all([plan.sink_parquet(tmp_path / "out.parquet", lazy=True)]))
        verdict = classify(error, phase="stage")
        assert verdict.evidence
        assert verdict.remedy
        return verdict

    return run


@pytest.mark.parametrize(
    ("scan", "category", "words"),
    [
        pytest.param(lambda at: pl.scan_parquet(at / "no.parquet"), Category.INPUT_MISSING, "exist", id="Parquet"),
        pytest.param(lambda at: pl.scan_csv(at / "no.csv"), Category.INPUT_MISSING, "exist", id="CSV"),
        pytest.param(lambda at: pl.scan_delta(str(at / "no")), Category.INPUT_MISSING, "exist", id="Delta"),
        pytest.param(lambda at: pl.scan_delta(str(at)), Category.INPUT_MISSING, "Delta table", id="no Delta table"),
        pytest.param(lambda at: pl.scan_parquet(at / "*.parquet"), Category.INPUT_MISSING, "matches", id="a glob"),
    ],
)
def test_a_missing_input_is_named(stage: Stage, tmp_path: Path, scan: Any, category: Category, words: str) -> None:
    verdict = stage(scan(tmp_path))
    assert verdict.category is category
    assert words in verdict.summary
    assert words == "Delta table" or str(tmp_path) in verdict.evidence[0]


def damaged_parquet(path: Path) -> pl.LazyFrame:
    pl.DataFrame({"a": range(10_000)}).write_parquet(path)
    raw = bytearray(path.read_bytes())
    raw[4 : len(raw) // 2] = b"\xff" * (len(raw) // 2 - 4)
    path.write_bytes(raw)
    return pl.scan_parquet(path)


def written(path: Path, content: bytes, scan: Callable[..., pl.LazyFrame], **options: Any) -> pl.LazyFrame:
    path.write_bytes(content)
    return scan(path, **options)


@pytest.mark.parametrize(
    "scan",
    [
        pytest.param(damaged_parquet, id="Parquet with garbage in the middle"),
        pytest.param(lambda at: written(at, b"PAR1" * 9, pl.scan_parquet), id="Parquet without a footer"),
        pytest.param(lambda at: written(at, b"", pl.scan_parquet), id="Parquet of no bytes"),
        pytest.param(lambda at: written(at, b"a,b\n1,2\n", pl.scan_parquet), id="CSV under a Parquet name"),
        pytest.param(lambda at: written(at, gzip.compress(b"a,b\n1,2\n")[:-9], pl.scan_csv), id="half a gzip"),
        pytest.param(lambda at: written(at, b'a,b\n1,"x\n2,y\n', pl.scan_csv), id="CSV with an open quote"),
        pytest.param(lambda at: written(at, b"a,b\n1,x,3\n", pl.scan_csv, schema=SCHEMA), id="CSV with long lines"),
        pytest.param(lambda at: written(at, b"a,b\n1,\xff\n", pl.scan_csv, schema=SCHEMA), id="CSV in another encoding"),
        pytest.param(lambda at: written(at, b'{"a":1,\n', pl.scan_ndjson, schema=SCHEMA), id="NDJSON cut short"),
        pytest.param(lambda at: written(at, b'{"a":\n', pl.scan_ndjson), id="NDJSON cut short, types inferred"),
        pytest.param(lambda at: written(at, b"[1]\n", pl.scan_ndjson, schema=SCHEMA), id="NDJSON of arrays"),
        pytest.param(lambda at: written(at, b"hello\n", pl.scan_ndjson), id="text as NDJSON"),
    ],
)
def test_a_damaged_input_is_told_from_a_failing_job(stage: Stage, tmp_path: Path, scan: Any) -> None:
    verdict = stage(scan(tmp_path / "orders"))
    assert verdict.category is Category.INPUT_UNREADABLE
    assert "eliver" in verdict.remedy


def drift(folder: Path, *files: pl.DataFrame, **options: Any) -> pl.LazyFrame:
    for number, frame in enumerate(files):
        frame.write_parquet(folder / f"{number}.parquet")
    return pl.scan_parquet(folder / "*.parquet", **options)


def csv(folder: Path, text: str) -> pl.LazyFrame:
    return written(folder / "orders.csv", text.encode(), pl.scan_csv, schema=SCHEMA)


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        pytest.param(lambda at: csv(at, "a\n1\n"), "declared columns", id="CSV lacks a column"),
        pytest.param(lambda at: csv(at, "a,b,z\n1,x,3\n"), "declared columns", id="CSV has one more"),
        pytest.param(lambda at: csv(at, "a,B\n1,x\n"), "declared columns", id="CSV column renamed"),
        pytest.param(lambda at: csv(at, "a,b\nfoo,x\n"), "'a' of an input holds 'foo'", id="CSV has text for numbers"),
        pytest.param(
            lambda at: written(at / "x", b'{"a":"foo"}\n', pl.scan_ndjson, schema=SCHEMA),
            "holds 'foo', which is not Int64",
            id="NDJSON has text for numbers",
        ),
        pytest.param(
            lambda at: drift(at, GOOD, GOOD.with_columns(a=pl.lit("x"))), "'a' of an input is String", id="other type"
        ),
        pytest.param(lambda at: drift(at, GOOD, GOOD.drop("b")), "lacks column 'b'", id="column gone"),
        pytest.param(lambda at: drift(at, GOOD, GOOD.with_columns(z=1)), "extra column 'z'", id="column added"),
        pytest.param(
            lambda at: drift(at, GOOD.with_columns(a=pl.lit(1.5)), schema=SCHEMA),
            "'a' of an input is Float64, not Int64",
            id="other type than declared",
        ),
    ],
)
def test_a_column_that_is_not_as_expected_is_named(stage: Stage, tmp_path: Path, scan: Any, words: str) -> None:
    verdict = stage(scan(tmp_path))
    assert verdict.category is Category.INPUT_MISMATCH
    assert words in verdict.summary


def test_whatever_else_fails_while_scanning_is_about_an_input(caught: Any, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no Arrow file")
    error = caught(pl.scan_ipc(tmp_path / "x").collect)
    assert classify(error, phase="scan").category is Category.INPUT_UNREADABLE


def test_a_version_that_a_delta_table_does_not_have_is_a_missing_input(caught: Any, tmp_path: Path) -> None:
    from deltalake import DeltaTable, write_deltalake

    write_deltalake(tmp_path, GOOD)
    verdict = classify(caught(lambda: DeltaTable(tmp_path, version=99)), phase="scan")
    assert verdict.category is Category.INPUT_MISSING
    assert "99" in verdict.evidence[0]


@pytest.mark.parametrize("scan", [pytest.param(pl.scan_csv, id="CSV"), pytest.param(pl.scan_ndjson, id="NDJSON")])
def test_a_file_without_a_byte_is_an_empty_input(stage: Stage, tmp_path: Path, scan: Any) -> None:
    assert stage(written(tmp_path / "x", b"", scan)).category is Category.INPUT_EMPTY


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda log: (log / f"{1:020}.json").write_text("{{"), id="garbage"),
        pytest.param(lambda log: (log / f"{1:020}.json").unlink(), id="a gap"),
        pytest.param(lambda log: (log / f"{0:020}.json").unlink(), id="the beginning gone"),
        pytest.param(lambda log: (log / "_last_checkpoint").write_text('{"version":2,"size":3}'), id="no checkpoint"),
        pytest.param(
            lambda log: (log / f"{3:020}.json").write_text(
                '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["x"],"writerFeatures":["x"]}}'
            ),
            id="an unknown feature",
        ),
    ],
)
@pytest.mark.parametrize(
    ("phase", "category"),
    [
        pytest.param("scan", Category.INPUT_UNREADABLE, id="as an input"),
        pytest.param("publish", Category.PUBLISH_REFUSED, id="as the output"),
    ],
)
def test_a_damaged_delta_log_is_recognised(caught: Any, tmp_path: Path, damage: Any, phase: str, category: Category) -> None:
    from deltalake import DeltaTable, write_deltalake

    for _ in range(3):
        write_deltalake(tmp_path, GOOD, mode="append")
    damage(tmp_path / "_delta_log")
    verdict = classify(caught(lambda: DeltaTable(tmp_path)), phase=phase)
    assert verdict.category is category
    assert "unknown>" not in verdict.text()
