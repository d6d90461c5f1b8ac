"""How long a Delta table remembers which runs have published to it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.runtime.delta_tables import commit_of, publish

from polarpod.contract.dataset import Delta
from polarpod.runtime.publish.delta import commit_entry
from polarpod.store.delta_transactions import RETENTION_PROPERTY, retention_of, transaction_id

ROWS = pl.DataFrame({"id": [1]})
YEAR_MS = 366 * 86_400_000
FORGOTTEN = [pytest.param({"replace": {}}, id="replace"), pytest.param({"merge": ["id"]}, id="merge")]


def a_year_ago(patch: pytest.MonkeyPatch) -> None:
    now = commit_entry._now
    patch.setattr(commit_entry, "_now", lambda: now() - YEAR_MS)


def publish_as(job: str, at: str, frame: pl.DataFrame = ROWS, **mode: Any) -> None:
    publish(commit_of(Delta(at, **mode), job=job), frame)


def number_of(at: str, job: str) -> int | None:
    commit = commit_of(Delta(at, append=True), job=job)
    number: int | None = DeltaTable(at).transaction_version(transaction_id(job, commit.run_key))
    return number


@pytest.mark.parametrize("mode", FORGOTTEN)
def test_a_run_that_can_be_repeated_is_forgotten_after_the_tables_retention(
    tmp_path: Path, mode: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = str(tmp_path / "t")
    with monkeypatch.context() as patch:
        a_year_ago(patch)
        publish_as("old", at, **mode)
    publish_as("new", at, pl.DataFrame({"id": [2]}), **mode)
    assert [number_of(at, "old"), number_of(at, "new")] == [None, 1]


@pytest.mark.parametrize("foreign", [False, True], ids=["by deltalake", "in a table whose paths deltalake cannot name"])
def test_an_append_is_remembered_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, foreign: bool) -> None:
    at = str(tmp_path / "t")
    publish_as("first", at, append=True)
    if foreign:
        monkeypatch.setattr(commit_entry, "deltalake_can_name", lambda _path: False)
    with monkeypatch.context() as patch:
        a_year_ago(patch)
        publish_as("old", at, append=True)
    DeltaTable(at).create_checkpoint()
    assert number_of(at, "old") == 1


def test_forgotten_runs_are_in_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = str(tmp_path / "t")
    with monkeypatch.context() as patch:
        a_year_ago(patch)
        publish_as("old", at, replace={})
    publish_as("new", at, append=True)
    DeltaTable(at).create_checkpoint()
    (checkpoint,) = Path(at, "_delta_log").glob("*.checkpoint.parquet")
    kept = pl.read_parquet(checkpoint).select("txn").drop_nulls().unnest("txn")["appId"].to_list()
    assert kept
    assert not [key for key in kept if "/old/" in key]


def test_a_table_says_how_long_it_remembers(tmp_path: Path) -> None:
    publish_as("job", str(tmp_path / "t"), append=True)
    assert DeltaTable(str(tmp_path / "t")).metadata().configuration == {RETENTION_PROPERTY: "interval 90 days"}


@pytest.mark.parametrize(
    ("text", "days"),
    [
        pytest.param("interval 2 weeks", 14, id="weeks"),
        pytest.param("INTERVAL 240 HOURS", 10, id="upper case"),
        pytest.param("30 days", 30, id="without the word"),
        pytest.param("interval 1 month", 0, id="months have no length"),
        pytest.param("interval -9 days", 0, id="negative"),
        pytest.param("", 0, id="nothing"),
    ],
)
def test_an_interval_that_cannot_be_read_is_no_time(text: str, days: int) -> None:
    assert retention_of({RETENTION_PROPERTY: text}) == dt.timedelta(days=days)


def test_without_the_property_a_table_remembers_for_ever() -> None:
    assert retention_of({}) is None
