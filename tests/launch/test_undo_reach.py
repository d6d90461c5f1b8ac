"""Which files an undo may take out: those that hold the run's rows and no others, wherever a compaction has carried them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.runtime.delta_tables import commit_of, publish, version

from polarpod.contract.dataset import Delta
from polarpod.launch.outputs.delta.undo_reach import Carried, carried, to_undo_first
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store.delta_rows import LogEntry, read, since
from polarpod.store.folder import Folder


def frame(day: str) -> pl.DataFrame:
    return pl.DataFrame({"v": [1, 2], "ds": [day] * 2})


def add(uri: str, run: str, day: str) -> int:
    publish(commit_of(Delta(uri, append=True, partition_by=["ds"]), run_key=run), frame(day))
    return version(uri)


def followed(uri: str, committed: int) -> Carried:
    folder = Folder(uri)
    entry = read(folder, committed)
    assert entry
    return carried(entry.adds, since(folder, committed, version(uri)))


def active(uri: str, day: str) -> set[str]:
    return {path.rpartition("/t/")[2] for path in DeltaTable(uri).file_uris([("ds", "=", day)])}


def two_files(uri: str, run: str, day: str) -> int:
    """One run's commit of two files in a partition, as a large one has."""
    commit = commit_of(Delta(uri, append=True, partition_by=["ds"]), run_key=run)
    files = []
    for number in range(2):
        path = Path(uri, f"ds={day}", f"{commit.uid}-{number:05d}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        frame(day).drop("ds").write_parquet(path)
        files.append(StagedFile(str(path.relative_to(uri)), 2, path.stat().st_size, {"ds": day}))
    delta.publish(commit, files, frame(day).clear(), None)
    return version(uri)


def test_a_compaction_of_its_files_alone_is_followed(tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    add(uri, "a", "d1")
    add(uri, "b", "d1")
    mine = two_files(uri, "mine", "d2")
    old = active(uri, "d2")
    DeltaTable(uri).optimize.compact()
    DeltaTable(uri).optimize.z_order(["v"])
    found = followed(uri, mine)
    assert not found.barred
    assert found.adds.keys() == active(uri, "d2")
    assert not active(uri, "d2") & old


def test_rows_that_were_mixed_changed_or_deleted_are_not(tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    mine = add(uri, "mine", "d1")
    add(uri, "b", "d1")
    DeltaTable(uri).optimize.compact()
    assert [entry.version for entry in followed(uri, mine).barred] == [version(uri)]
    other = add(uri, "c", "d2")
    DeltaTable(uri).update({"v": "7"}, predicate="ds = 'd2'")
    assert [entry.version for entry in followed(uri, other).barred] == [version(uri)]
    assert followed(uri, other).adds == {}


@pytest.mark.parametrize(("changes", "barred"), [pytest.param(False, 0, id="none"), pytest.param(True, 1, id="some")])
def test_rows_that_a_compaction_has_of_its_own_bar_it(changes: bool, barred: int) -> None:
    kept = {"dataChange": False, "partitionValues": {}}
    entry = LogEntry(2, {}, {"b": kept, "c": {**kept, "dataChange": changes}}, {"a": kept})
    assert len(carried({"a": kept}, [entry]).barred) == barred


def test_where_entries_are_missing_nothing_is_said(tmp_path: Path) -> None:
    assert carried({"a": {}}, [None]).unknown


def test_what_was_replaced_after_a_compaction_and_has_come_back_is_followed(tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    mine = two_files(uri, "mine", "d2")
    DeltaTable(uri).optimize.compact()
    compacted, there = active(uri, "d2"), version(uri)
    publish(commit_of(Delta(uri, replace={"ds": "d2"}), run_key="other"), frame("d2"))
    assert [entry.version for entry in followed(uri, mine).barred] == [version(uri)]
    DeltaTable(uri).restore(there)
    found = followed(uri, mine)
    assert not found.barred
    assert found.adds.keys() == compacted


def test_everything_that_stands_in_the_way_is_named_from_the_newest_on(tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    first = None
    for number in (1, 2, 3):
        output = Delta(uri, replace={"ds": "d1"})
        publish(commit_of(output, run_key="mine", number=number, fingerprint=f"{number}" * 64), frame("d1"))
        first = version(uri) if first is None else first
    assert first is not None
    chain = to_undo_first(followed(uri, first), list(since(Folder(uri), first, version(uri))))
    assert chain
    assert [entry.version for entry in chain] == [2, 1]
