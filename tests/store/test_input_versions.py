"""The version of an input changes exactly when what a run would read does: skipping rests on it."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.fixtures.object_store import Lake

from polarpod.contract.dataset import Csv, Dataset, Delta, Parquet
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder
from polarpod.store.listing import list_input
from polarpod.store.location import is_local, join
from polarpod.store.storage_options import for_deltalake


class Table:
    """A Delta table partitioned by day, in a lake."""

    def __init__(self, lake: Lake) -> None:
        self.uri = join(lake.uri, "marts/sales")
        self.lake = lake
        self.options = None if is_local(self.uri) else for_deltalake(lake.storage)

    def append(self, day: str, rows: int = 1) -> None:
        frame = pl.DataFrame({"ds": [day] * rows, "amount": range(rows)})
        write_deltalake(self.uri, frame, mode="append", partition_by=["ds"], storage_options=self.options)

    def version(self, **given: object) -> str:
        return list_input("sales", Delta(self.uri, **given), self.lake.storage).version


@pytest.fixture
def table(reachable: Lake) -> Table:
    made = Table(reachable)
    made.append("2013-02-01")
    made.append("2013-02-02")
    return made


def test_asking_twice_gives_the_same_version(table: Table) -> None:
    assert table.version() == table.version()


def test_a_commit_changes_the_tables_version_and_that_of_its_partition_only(table: Table) -> None:
    days = ("2013-02-01", "2013-02-02")
    whole, (first, second) = table.version(), [table.version(where={"ds": day}) for day in days]
    table.append("2013-02-02")
    assert table.version() != whole
    assert [table.version(where={"ds": day}) == before for day, before in zip(days, (first, second), strict=True)] == [
        True,
        False,
    ]


def test_a_pinned_version_stays_what_it_was(table: Table) -> None:
    pinned = table.version(version=1)
    table.append("2013-02-02")
    assert table.version(version=1) == pinned


# not on moto, which answers from this process: deltalake's `alter` keeps the interpreter's lock while it waits
@pytest.mark.parametrize("lake", [pytest.param(name, id=name) for name in ("local", "versitygw")], indirect=True)
def test_a_commit_that_changes_no_file_changes_no_version(table: Table) -> None:
    before = table.version()
    handle = DeltaTable(table.uri, storage_options=table.options)
    handle.alter.set_table_properties({"delta.logRetentionDuration": "interval 60 days"})
    assert DeltaTable(table.uri, storage_options=table.options).version() == 2
    assert table.version() == before


def test_a_listing_of_a_partition_has_its_files_and_bytes_alone(table: Table) -> None:
    table.append("2013-02-01", rows=5)
    found = list_input("sales", Delta(table.uri, where={"ds": "2013-02-01"}), table.lake.storage)
    assert len(found.files) == 2
    assert all("/ds=2013-02-01/" in file for file in found.files)
    assert found.bytes > 0


@pytest.mark.parametrize("day", [pytest.param(day, id=day) for day in ("a b", "ü", "100%", "a:b", "a'b")])
def test_the_files_of_a_partition_are_where_the_listing_says_whatever_its_value(table: Table, day: str) -> None:
    table.append(day)
    (file,) = list_input("sales", Delta(table.uri, where={"ds": day}), table.lake.storage).files
    parent, _, name = file.rpartition("/")
    assert Folder(parent, table.lake.storage).head(name), file


def test_a_partition_that_is_not_there_is_empty_not_missing(table: Table) -> None:
    assert list_input("sales", Delta(table.uri, where={"ds": "1999-01-01"}), table.lake.storage).files == ()


def test_choosing_by_what_is_no_partition_is_refused(table: Table) -> None:
    with pytest.raises(PolarpodError, match="the Delta table is not partitioned by amount") as caught:
        table.version(where={"amount": "1"})
    assert caught.value.verdict.category is Category.INPUT_MISMATCH
    assert "partitioned by: ds" in caught.value.verdict.evidence


def test_a_table_that_is_not_there_is_missing_and_says_where_its_log_would_be(reachable: Lake) -> None:
    uri = join(reachable.uri, "nowhere")
    with pytest.raises(PolarpodError, match="input 'sales' is not there") as caught:
        list_input("sales", Delta(uri), reachable.storage)
    assert caught.value.verdict.evidence == [f"looked for {uri}/_delta_log"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("b.csv", b"other"), id="a file's content"),
        pytest.param(("c.csv", b"new"), id="a file more"),
        pytest.param(("b.csv", None), id="a file less"),
    ],
)
def test_the_version_of_files_changes_with(reachable: Lake, change: tuple[str, bytes | None]) -> None:
    folder = Folder(join(reachable.uri, "raw"), reachable.storage)
    for key in ("a.csv", "b.csv", "b.txt"):
        folder.write(key, b"first")
    dataset: Dataset = Csv(f"{folder.uri}/*.csv")
    before = list_input("raw", dataset, reachable.storage)
    folder.write("b.txt", b"of no concern")
    assert list_input("raw", dataset, reachable.storage) == before
    key, data = change
    if data is None:
        folder.delete([key])
    else:
        folder.write(key, data)
    assert list_input("raw", dataset, reachable.storage).version != before.version


def test_a_dataset_with_a_manifest_is_what_the_manifest_names_and_nothing_else(reachable: Lake) -> None:
    folder = Folder(join(reachable.uri, "published"), reachable.storage)
    folder.write("data/u1/a.parquet", b"12345")
    folder.write("data/zombie/b.parquet", b"12345")
    files = [manifest.DataFile(path="data/u1/a.parquet", rows=1, bytes=5)]
    entry = manifest.Entry(job="j", run_key="k", number=1, uid="u1", fingerprint="f", replace=None, files=files)
    new = manifest.with_entry(None, entry, schema={"a": "Int64"}, partition_by=[], now=dt.datetime.now(dt.UTC))
    assert manifest.swap(folder, new, expected=None) is True
    found = list_input("published", Parquet(folder.uri), reachable.storage)
    assert (list(found.files), found.bytes) == ([f"{folder.uri}/data/u1/a.parquet"], 5)
    assert found.version.startswith("manifest-1-")
