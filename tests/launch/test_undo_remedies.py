"""What a refused undo tells to do about a Delta table works on that very table, or is not told."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from pathlib import Path
from urllib.parse import unquote

import deltalake
import polars as pl
import pytest
from deltalake import DeltaTable
from tests.runtime.delta_tables import PROTOCOL, add, commit_of, metadata, publish, rows, uid_of, version, write_log

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.outputs.delta.undo import plan_undo as plan
from polarpod.launch.state import State
from polarpod.launch.undo_target import Target

PARTITIONS = [
    pytest.param("ds", "2024-02-29", "2024-03-01", id="a text"),
    pytest.param("ds", "it's", "b", id="a quote"),
    pytest.param("ds", 'a"b', "b", id="a double quote"),
    pytest.param("ds", "Zürich", "b", id="a letter that is encoded"),
    pytest.param("ds", 1, 2, id="a number"),
    pytest.param("ds", dt.date(2024, 2, 29), dt.date(2024, 3, 1), id="a date"),
    pytest.param("1x", "a", "b", id="a name that begins with a digit"),
    pytest.param("a-b", "a", "b", id="a name with a dash"),
    pytest.param("a.b", "a", "b", id="a name with a dot"),
    pytest.param("order", "a", "b", id="a word of SQL"),
]


def by(uri: str, column: str, value: object) -> Delta:
    return Delta(uri, replace={column: str(value)}, partition_by=[column])


def made(uri: str, column: str, value: object, number: int = 1) -> Target:
    """A run's partition, published."""
    output, key = by(uri, column, value), f"key-{value}"
    commit = commit_of(output, run_key=key, number=number, fingerprint=f"{number}" * 64)
    publish(commit, pl.DataFrame({"v": [number], column: [value]}))
    return Target(AttemptInfo("sales", key, number, commit.uid, None, None, None), commit.uid, output, None)


def remedy_of(target: Target, tmp_path: Path) -> str:
    with pytest.raises(PolarpodError, match="have been replaced or compacted since") as caught:
        plan(target, State(str(tmp_path / "state")), Storage())
    return caught.value.verdict.remedy


def run(remedy: str, way: str) -> None:
    statement = remedy.partition(way)[2].partition("; or ")[0].partition(". Then a run")[0]
    assert statement.startswith("deltalake.DeltaTable("), remedy
    exec(statement, {"deltalake": deltalake})


@pytest.mark.parametrize(("column", "value", "other"), PARTITIONS)
def test_the_partition_alone_is_deleted(tmp_path: Path, column: str, value: object, other: object) -> None:
    uri = str(tmp_path / "t")
    made(uri, column, other)
    target = made(uri, column, value)
    DeltaTable(uri).update(
        {"v": "7"}, predicate=f'"{column}" = {str(value)!r}' if value != "it's" else f"{column} = 'it''s'"
    )
    run(remedy_of(target, tmp_path), "elete the partition's rows: ")
    assert rows(uri, column) == [(other,)]


@pytest.mark.parametrize(("column", "value", "other"), PARTITIONS)
def test_the_version_before_is_restored(tmp_path: Path, column: str, value: object, other: object) -> None:
    uri = str(tmp_path / "t")
    made(uri, column, other)
    target = made(uri, column, value)
    DeltaTable(uri).delete("v = 1")
    run(remedy_of(target, tmp_path), "which also takes back everything since: ")
    assert rows(uri, column) == [(other,)]


def test_a_version_whose_files_are_gone_is_not_offered(tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    made(uri, "ds", "a")
    target = made(uri, "ds", "b")
    DeltaTable(uri).delete("v = 1")
    DeltaTable(uri).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    remedy = remedy_of(target, tmp_path)
    assert "restore" not in remedy
    run(remedy, "elete the partition's rows: ")


@pytest.mark.parametrize(
    ("kind", "value", "folder"),
    [
        pytest.param("string", "Zürich", "city=Zürich", id="a path that deltalake spells in another way"),
        pytest.param("decimal(10,2)", "-1.50", "city=-1.50", id="a value that deltalake misspells"),
    ],
)
def test_what_deltalake_would_leave_in_the_table_is_left_to_the_engine_that_wrote_it(
    tmp_path: Path, kind: str, value: str, folder: str
) -> None:
    uri = str(tmp_path / "t")
    place = tmp_path / "t" / unquote(folder) / "part-0.parquet"
    place.parent.mkdir(parents=True)
    pl.DataFrame({"v": [1]}).write_parquet(place)
    theirs = add(f"{folder}/part-0.parquet", place, {"city": value})
    write_log(uri, PROTOCOL, metadata({"v": "long", "city": kind}, ["city"]), theirs)
    city = pl.Series(["mine"]) if kind == "string" else pl.Series([decimal.Decimal("2.50")], dtype=pl.Decimal(10, 2))
    output = by(uri, "city", city[0])
    commit = commit_of(output)
    publish(commit, pl.DataFrame({"v": [5], "city": city}))
    target = Target(AttemptInfo("sales", "d1", 1, commit.uid, None, None, None), commit.uid, output, None)
    replaced_by_somebody(uri, commit.uid)
    remedy = remedy_of(target, tmp_path)
    assert remedy.startswith("Use RESTORE or DELETE of the engine that writes to the table")
    assert "deltalake.DeltaTable" not in remedy


def replaced_by_somebody(uri: str, uid: str) -> None:
    [entry] = Path(uri, "_delta_log").glob(f"{version(uri):020d}.json")
    [line] = [line for line in entry.read_text().splitlines() if '"add"' in line and uid in line]
    gone = json.loads(line)["add"]
    write_log(
        uri,
        {"commitInfo": {"timestamp": 0, "operation": "DELETE", "operationParameters": {}}},
        {"remove": {"path": gone["path"], "dataChange": True, "deletionTimestamp": 0}},
        version=version(uri) + 1,
    )


def test_an_append_only_table_is_opened_for_it_first(tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    for key in ("a", "b"):
        commit = commit_of(Delta(uri, append=True, partition_by=["ds"]), run_key=key)
        publish(commit, pl.DataFrame({"v": [1], "ds": ["x"]}))
    DeltaTable(uri).alter.set_table_properties({"delta.appendOnly": "true"})
    DeltaTable(uri).optimize.compact()
    uid = uid_of("sales", "b", 1)
    target = Target(AttemptInfo("sales", "b", 1, uid, None, None, None), uid, Delta(uri, append=True), None)
    assert remedy_of(target, tmp_path).startswith("Set its property delta.appendOnly to false first; then ")
