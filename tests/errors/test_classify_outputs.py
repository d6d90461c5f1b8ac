"""What is said when rows do not fit their checks or the table, or when somebody else was faster."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import obstore
import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.transaction import AddAction, create_table_with_add_actions
from obstore.store import LocalStore

from polarpod.contract.verdict import Category
from polarpod.runtime.classify import classify

GOOD = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})


def append(table: Path, rows: pl.DataFrame, **options: Any) -> None:
    write_deltalake(table, rows, mode="append", **options)


def merge(table: Path, rows: pl.DataFrame) -> None:
    merger = DeltaTable(table).merge(rows, "s.a = t.a", source_alias="s", target_alias="t")
    merger.when_matched_update_all().when_not_matched_insert_all().execute()


def replace(table: Path, predicate: str) -> None:
    write_deltalake(table, GOOD, mode="overwrite", predicate=predicate)


@pytest.mark.parametrize(
    ("publish", "category", "words"),
    [
        pytest.param(lambda t: append(t, GOOD.with_columns(z=1)), Category.OUTPUT_MISMATCH, "columns", id="one more"),
        pytest.param(lambda t: append(t, GOOD.drop("b")), Category.OUTPUT_MISMATCH, "columns", id="one less"),
        pytest.param(lambda t: append(t, GOOD.with_columns(a=pl.lit("q"))), Category.OUTPUT_MISMATCH, "fit", id="type"),
        pytest.param(
            lambda t: append(t / "new", GOOD.with_columns(z=pl.duration(days=1))),
            Category.OUTPUT_MISMATCH,
            "cannot hold",
            id="a duration",
        ),
        pytest.param(
            lambda t: append(t / "new", GOOD.with_columns(z=pl.lit(1, dtype=pl.Int128))),
            Category.OUTPUT_MISMATCH,
            "cannot hold",
            id="128 bits",
        ),
        pytest.param(lambda t: replace(t, "b = 'x'"), Category.OUTPUT_MISMATCH, "outside", id="strays"),
        pytest.param(lambda t: merge(t, GOOD.with_columns(a=1)), Category.OUTPUT_MISMATCH, "same merge key", id="keys"),
        pytest.param(lambda t: replace(t, "no = 'x'"), Category.REQUEST_INVALID, "`replace`", id="replaces no column"),
        pytest.param(lambda t: replace(t, "b = = 'x'"), Category.REQUEST_INVALID, "`replace`", id="replaces nonsense"),
        pytest.param(
            lambda t: append(t, GOOD, partition_by=["a"]), Category.REQUEST_INVALID, "`partition_by`", id="partitions"
        ),
    ],
)
def test_rows_that_do_not_fit_the_table_are_told_apart(
    caught: Any, tmp_path: Path, publish: Any, category: Category, words: str
) -> None:
    write_deltalake(tmp_path, GOOD)
    verdict = classify(caught(lambda: publish(tmp_path)), phase="publish")
    assert verdict.category is category
    assert words in verdict.summary
    assert "unknown>" not in verdict.text()
    assert "+---" not in verdict.text()


def added() -> AddAction:
    return AddAction("x.parquet", 1, {}, int(time.time() * 1000), True, '{"numRecords":1}')


def lost_commit(at: Path) -> None:
    write_deltalake(at, GOOD)
    mine, theirs = DeltaTable(at), DeltaTable(at)
    once = CommitProperties(max_commit_retries=0)
    for table in (theirs, mine):
        table.create_write_transaction([added()], "append", mine.schema(), [], commit_properties=once)


def lost_creation(at: Path) -> None:
    write_deltalake(at, GOOD)
    create_table_with_add_actions(str(at), DeltaTable(at).schema(), [added()], mode="error", partition_by=[])


def lost_document(at: Path) -> None:
    for _ in range(2):
        obstore.put(LocalStore(at), "manifest.json", b"{}", mode="create")


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(lost_commit, id="a commit"),
        pytest.param(lost_creation, id="the creation of a table"),
        pytest.param(lost_document, id="a document"),
    ],
)
def test_a_lost_race_is_a_conflict_and_worth_another_attempt(caught: Any, tmp_path: Path, lose: Any) -> None:
    verdict = classify(caught(lambda: lose(tmp_path)), phase="publish")
    assert verdict.category is Category.PUBLISH_CONFLICT
    assert "gain" in verdict.remedy


def test_checks_of_a_dataframely_schema_are_recognised(caught: Any) -> None:
    import dataframely as dy

    class Orders(dy.Schema):
        a = dy.Int64(min=5)
        b = dy.String()

    broken = caught(lambda: Orders.validate(GOOD))
    broken_lazily = caught(lambda: Orders.validate(GOOD.lazy(), eager=False).collect())
    lacking = caught(lambda: Orders.validate(GOOD.drop("b")))
    found = [classify(error, phase="check").category for error in (broken, broken_lazily, lacking)]
    assert found == [Category.CHECKS_FAILED, Category.CHECKS_FAILED, Category.OUTPUT_MISMATCH]


def test_a_staged_file_that_is_gone_at_publish_is_no_missing_input(caught: Any, tmp_path: Path) -> None:
    error = caught(lambda: obstore.head(LocalStore(tmp_path), "staged.parquet"))
    assert classify(error, phase="publish").category is Category.STORAGE_UNAVAILABLE
