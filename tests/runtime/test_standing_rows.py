"""Whether a run's rows stand: asked of the table's files, since its transactions outlive them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.transaction import RemoveAction
from tests.runtime.delta_tables import append, commit_of, merge, publish, rows, standing_of, version

from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import PolarpodError
from polarpod.store import delta_rows
from polarpod.store.delta_rows import LogEntry, Rows, since
from polarpod.store.delta_transactions import UNDONE, content_id, transaction_id
from polarpod.store.fence import Standing
from polarpod.store.folder import Document


def surviving(committed: list[str], version: int, entries: Iterable[LogEntry | None]) -> Rows:
    return delta_rows.surviving(committed, version, entries).rows


D1 = pl.DataFrame({"ds": ["d1", "d1"], "v": [1, 2]})
D2 = pl.DataFrame({"ds": ["d2"], "v": [3]})
GONE = Standing(1, False, undone=True)
STANDS = Standing(1, True)
PARTLY = Standing(1, False, partial=True)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "table")


def replace(uri: str) -> Delta:
    return Delta(uri, replace={"ds": "d1"})


def predicate(uri: str) -> Delta:
    return Delta(uri, replace="ds = 'd1'", partition_by=["ds"])


MODES = [
    pytest.param(append, id="append"),
    pytest.param(replace, id="replace"),
    pytest.param(merge, id="merge"),
    pytest.param(predicate, id="predicate"),
]


def restore_to_before(uri: str) -> None:
    DeltaTable(uri).restore(0)


def delete_all(uri: str) -> None:
    DeltaTable(uri).delete()


def overwrite(uri: str) -> None:
    write_deltalake(uri, D2, mode="overwrite")


def rebuild(uri: str) -> None:
    publish(commit_of(Delta(uri, replace={}, partition_by=["ds"]), job="rebuild"), D2)


@pytest.mark.parametrize(
    "take_out",
    [
        pytest.param(restore_to_before, id="restore"),
        pytest.param(delete_all, id="delete"),
        pytest.param(overwrite, id="overwrite"),
        pytest.param(rebuild, id="another job's replace"),
    ],
)
@pytest.mark.parametrize("output", MODES)
def test_a_run_whose_rows_were_taken_out_does_not_stand_and_publishes_again(
    uri: str, output: Callable[[str], Delta], take_out: Callable[[str], None]
) -> None:
    write_deltalake(uri, D2, partition_by=["ds"])
    publish(commit_of(output(uri)), D1)
    assert standing_of(commit_of(output(uri))) == STANDS
    take_out(uri)
    assert standing_of(commit_of(output(uri))) == GONE
    left = rows(uri)
    publish(commit_of(output(uri), number=2), D1)
    assert rows(uri) == sorted([*left, *D1.rows()], key=repr)


@pytest.mark.parametrize("output", MODES)
def test_rows_stand_where_other_runs_write_and_the_table_is_compacted_checkpointed_and_vacuumed(
    uri: str, output: Callable[[str], Delta]
) -> None:
    publish(commit_of(output(uri)), D1)
    publish(commit_of(append(uri), run_key="d2"), D2)
    publish(commit_of(append(uri), run_key="d3"), pl.DataFrame({"ds": ["d1"], "v": [9]}))
    assert standing_of(commit_of(output(uri))) == STANDS
    DeltaTable(uri).optimize.compact()
    DeltaTable(uri).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    DeltaTable(uri).create_checkpoint()
    assert standing_of(commit_of(output(uri))) == STANDS
    DeltaTable(uri).delete("ds = 'd1'")
    assert standing_of(commit_of(output(uri))) == GONE


@pytest.mark.parametrize("output", MODES)
def test_rows_that_another_merge_rewrote_stand(uri: str, output: Callable[[str], Delta]) -> None:
    publish(commit_of(output(uri)), D1)
    publish(commit_of(merge(uri), job="other"), pl.DataFrame({"ds": ["d1"], "v": [2]}))
    merged = f"MERGE by other/d1 in version {version(uri)}"
    assert standing_of(commit_of(output(uri))) == STANDS._replace(changes=(merged,))
    DeltaTable(uri).update({"v": "v + 10"}, predicate="v = 1")
    updated = f"UPDATE in version {version(uri)}"
    assert standing_of(commit_of(output(uri))) == STANDS._replace(changes=(merged, updated))


def test_a_compaction_changes_no_rows_also_after_an_update(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    publish(commit_of(append(uri), run_key="d3"), pl.DataFrame({"ds": ["d1"], "v": [9]}))
    DeltaTable(uri).optimize.compact()
    assert standing_of(commit_of(append(uri))) == STANDS
    DeltaTable(uri).update({"v": "0"}, predicate="v = 1")
    updated = f"UPDATE in version {version(uri)}"
    DeltaTable(uri).optimize.z_order(["v"])
    assert standing_of(commit_of(append(uri))) == STANDS._replace(changes=(updated,))


@pytest.mark.parametrize("output", MODES)
def test_rows_that_a_merge_deletes_are_gone(uri: str, output: Callable[[str], Delta]) -> None:
    publish(commit_of(output(uri)), D1)
    table = DeltaTable(uri)
    matched = table.merge(D1.head(1), predicate="s.v = t.v", source_alias="s", target_alias="t")
    matched.when_matched_delete().execute()
    seen = standing_of(commit_of(output(uri)))
    assert (seen.same, seen.partial) == (False, True)


def test_an_append_whose_rows_a_merge_gave_another_partition_or_deleted_is_not_doubled(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    merged = DeltaTable(uri).merge(D1, predicate="s.v = t.v", source_alias="s", target_alias="t")
    merged.when_matched_delete("t.v = 2").when_matched_update({"ds": "'d9'"}).execute()
    assert rows(uri, "ds", "v") == [("d9", 1)]
    assert standing_of(commit_of(append(uri))) == PARTLY
    with pytest.raises(PolarpodError, match="some of them are still in the table"):
        publish(commit_of(append(uri), number=2), D1)
    assert rows(uri, "ds", "v") == [("d9", 1)]


def test_rows_that_an_update_gave_another_partition_are_followed_there(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    DeltaTable(uri).update({"ds": "'d9'"})
    assert standing_of(commit_of(append(uri))).same
    DeltaTable(uri).delete("ds = 'd9'")
    assert standing_of(commit_of(append(uri))) == GONE


@pytest.mark.parametrize(
    ("clause", "metrics", "expected"),
    [
        pytest.param("delete", None, Rows.SOME, id="may have deleted"),
        pytest.param("delete", {"numTargetRowsDeleted": "0"}, Rows.ALL, id="deleted none"),
        pytest.param("update", {"numTargetRowsDeleted": "2"}, Rows.SOME, id="deleted by another clause"),
        pytest.param("update", None, Rows.ALL, id="updated"),
    ],
)
def test_what_a_merge_of_another_engine_did_is_read_from_its_metrics_and_clauses(
    clause: str, metrics: dict[str, str] | None, expected: Rows
) -> None:
    info = {
        "operation": "MERGE",
        "operationParameters": {"matchedPredicates": json.dumps([{"actionType": clause}])},
        **({"operationMetrics": metrics} if metrics else {}),
    }
    taken = {"a": {"path": "a", "dataChange": True, "partitionValues": {}}}
    entry = LogEntry(2, info, {"b": {"path": "b", "partitionValues": {}}}, taken)
    assert surviving(["a"], 1, [entry]) is expected


def test_a_merge_that_only_copied_rows_has_changed_none() -> None:
    taken = {"a": {"path": "a", "dataChange": True, "partitionValues": {}}}
    info = {"operation": "MERGE", "operationMetrics": {"numTargetRowsUpdated": "0", "numTargetRowsDeleted": "0"}}
    entry = LogEntry(2, info, {"b": {"path": "b", "partitionValues": {}}}, taken)
    assert delta_rows.surviving(["a"], 1, [entry]).changes == ()


def test_an_append_of_which_some_rows_are_left_is_neither_skipped_nor_doubled(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    DeltaTable(uri).delete("v = 1")
    assert standing_of(commit_of(append(uri))) == PARTLY
    for force in (False, True):
        with pytest.raises(PolarpodError, match=r"some of them are still in the table(.|\n)*Delete those from the table"):
            publish(commit_of(append(uri), number=2, force=force), D1)
    assert rows(uri, "v") == [(2,)]
    DeltaTable(uri).delete("ds = 'd1'")
    publish(commit_of(append(uri), number=2), D1)
    assert rows(uri, "v") == [(1,), (2,)]


def test_an_append_of_which_another_job_replaced_one_partition_stands_partly(uri: str) -> None:
    publish(commit_of(append(uri)), pl.concat([D1, D2]))
    publish(commit_of(replace(uri), job="other"), D1)
    assert standing_of(commit_of(append(uri))) == PARTLY


def test_an_append_that_an_overwrite_by_predicate_wrote_anew_stands_partly(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    write_deltalake(uri, D1.head(1), mode="overwrite", predicate="v = 1")
    assert standing_of(commit_of(append(uri))) == PARTLY


def test_an_append_of_changed_content_is_refused_while_its_rows_stand_and_published_when_they_are_gone(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    changed = commit_of(append(uri), number=2, fingerprint="e" * 64)
    assert standing_of(changed) == Standing(1, False)
    with pytest.raises(PolarpodError, match="already appended its rows once"):
        publish(changed, D1)
    DeltaTable(uri).delete()
    publish(changed, D2)
    assert rows(uri) == D2.rows()


@pytest.mark.parametrize("output", [pytest.param(replace, id="replace"), pytest.param(predicate, id="predicate")])
def test_a_replace_of_which_some_rows_are_left_is_made_again(uri: str, output: Callable[[str], Delta]) -> None:
    publish(commit_of(output(uri)), D1)
    DeltaTable(uri).delete("v = 1")
    assert not standing_of(commit_of(output(uri))).same
    publish(commit_of(output(uri), number=2), D1)
    assert rows(uri, "v") == [(1,), (2,)]


def test_rows_that_a_second_restore_brings_back_stand(uri: str) -> None:
    write_deltalake(uri, D2, partition_by=["ds"])
    publish(commit_of(append(uri)), D1)
    DeltaTable(uri).restore(0)
    DeltaTable(uri).restore(1)
    assert standing_of(commit_of(append(uri))) == STANDS


def test_a_partition_that_was_emptied_and_filled_again_by_a_restore_is_emptied_again(uri: str) -> None:
    write_deltalake(uri, D1, partition_by=["ds"])
    empty = commit_of(Delta(uri, replace={"ds": "d1"}, allow_empty=True))
    publish(empty, D1.clear())
    publish(commit_of(append(uri), run_key="d2"), D2)
    assert standing_of(empty) == STANDS
    DeltaTable(uri).restore(0)
    assert not standing_of(empty).same


def test_entries_are_read_from_the_commit_on_and_no_more_than_a_thousand() -> None:
    class Log:
        def read(self, key: str) -> Document:
            return Document(b'{"commitInfo": {"key": "%s"}}' % key.encode(), "")

    def versions(version: int, newest: int) -> list[int | None]:
        return [entry and entry.version for entry in since(Log(), version, newest)]

    assert versions(3, 5) == [4, 5]
    assert versions(0, 1000) == list(range(1, 1001))
    assert versions(0, 1001) == [None, *range(2, 1002)]


def test_what_an_unknown_operation_wrote_beside_a_file_may_hold_rows_of_it() -> None:
    taken = {"a": {"path": "a", "dataChange": True, "partitionValues": {}}}
    added = {"b": {"path": "b", "partitionValues": {}}}
    entry = LogEntry(2, {"operation": "REORG"}, added, taken)
    assert surviving(["a"], 1, [entry]) is Rows.SOME
    assert surviving(["a"], 1, [entry._replace(adds={"b": {"partitionValues": {"k": "other"}}})]) is Rows.NONE
    assert surviving(["a"], 1, [entry, None]) is Rows.UNKNOWN
    restored = LogEntry(4, {"operation": "RESTORE", "operationParameters": {"version": "0"}}, {}, {})
    assert surviving(["a"], 1, [entry, None, restored]) is Rows.NONE
    assert (
        surviving(
            ["a"], 1, [entry, None, restored._replace(info={"operation": "RESTORE", "operationParameters": {"version": 1}})]
        )
        is Rows.ALL
    )


def test_a_file_that_comes_back_stands_and_one_that_loses_rows_in_its_place_does_not() -> None:
    file = {"a": {"path": "a", "dataChange": True, "partitionValues": {}}}
    taken = LogEntry(2, {"operation": "WRITE"}, {}, file)
    assert surviving(["a"], 1, [taken, LogEntry(3, {"operation": "WRITE"}, file, {})]) is Rows.ALL
    # a deletion vector: the file is removed without it and added with it
    assert surviving(["a"], 1, [LogEntry(2, {"operation": "DELETE"}, file, file)]) is Rows.SOME
    assert surviving(["a"], 1, [LogEntry(2, {"operation": "MERGE"}, file, file)]) is Rows.ALL


def clean_log(uri: str) -> None:
    """What deltalake does by itself to entries that are 30 days old."""
    DeltaTable(uri).create_checkpoint()
    for path in sorted(Path(uri, "_delta_log").glob("*.json"))[:-1]:
        path.unlink()


@pytest.mark.parametrize("output", [pytest.param(append, id="append"), pytest.param(replace, id="replace")])
def test_rows_stand_although_the_log_that_named_them_is_cleaned_up(uri: str, output: Callable[[str], Delta]) -> None:
    publish(commit_of(output(uri)), D1)
    publish(commit_of(append(uri), run_key="d2"), D2)
    clean_log(uri)
    assert standing_of(commit_of(output(uri))) == STANDS
    assert publish(commit_of(output(uri), number=2), D1).adopted_from == ""
    assert rows(uri, "v") == [(1,), (2,), (3,)]


def test_where_the_log_cannot_tell_an_append_is_not_doubled_and_a_replace_is_made_again(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    publish(commit_of(append(uri), run_key="d2"), D2)
    publish(commit_of(replace(uri), job="other"), D1)
    publish(commit_of(append(uri), run_key="d3"), D1)
    DeltaTable(uri).optimize.compact()
    clean_log(uri)
    assert standing_of(commit_of(append(uri))) == STANDS
    assert standing_of(commit_of(replace(uri), job="other")) == Standing(1, False)


def restore(uri: str, to: int) -> None:
    DeltaTable(uri).restore(to)


def refused_to_double(uri: str, number: int) -> None:
    before = rows(uri)
    for force in (False, True):
        with pytest.raises(PolarpodError, match=r"are in the table again(.|\n)*a RESTORE(.|\n)*Delete them from the table"):
            publish(commit_of(append(uri), number=number, force=force), D1)
    assert rows(uri) == before


def test_an_append_is_not_doubled_where_a_restore_brings_back_the_rows_of_an_earlier_attempt(uri: str) -> None:
    write_deltalake(uri, D2, partition_by=["ds"])
    first = publish(commit_of(append(uri)), D1).version
    restore(uri, 0)
    publish(commit_of(append(uri), number=2), D1)
    assert first is not None
    restore(uri, first)
    refused_to_double(uri, 3)
    DeltaTable(uri).delete("ds = 'd1'")
    publish(commit_of(append(uri), number=3), D1)
    assert rows(uri) == sorted([*D1.rows(), *D2.rows()], key=repr)


def take_back(uri: str, published: int) -> None:
    """As `polarpod undo` does."""
    table = DeltaTable(uri)
    added = [json.loads(line)["add"] for line in entry(uri, published).splitlines() if b'"add"' in line]
    table.create_write_transaction(
        [RemoveAction(a["path"], True, 1, size=a["size"], partition_values=a["partitionValues"]) for a in added],
        mode="append",
        schema=table.schema(),
        partition_by=["ds"],
        commit_properties=CommitProperties(
            app_transactions=[
                Transaction(transaction_id("sales", "d1"), 1),
                Transaction(content_id("sales", "d1", UNDONE), 1),
            ]
        ),
    )


def entry(uri: str, version: int) -> bytes:
    return (Path(uri) / "_delta_log" / f"{version:020d}.json").read_bytes()


def test_nor_where_it_brings_back_what_was_taken_back(uri: str) -> None:
    write_deltalake(uri, D2, partition_by=["ds"])
    published = publish(commit_of(append(uri)), D1).version
    assert published is not None
    take_back(uri, published)
    assert standing_of(commit_of(append(uri), number=2)) == GONE
    restore(uri, published)
    refused_to_double(uri, 2)


def test_a_restore_to_a_version_that_the_log_forgot_may_have_brought_rows_back(uri: str) -> None:
    write_deltalake(uri, D2, partition_by=["ds"])
    publish(commit_of(append(uri)), D1)
    restore(uri, 0)
    DeltaTable(uri).create_checkpoint()
    assert standing_of(commit_of(append(uri), number=2)) == GONE
    (Path(uri) / "_delta_log" / f"{0:020d}.json").unlink()
    assert standing_of(commit_of(append(uri), number=2)).restored
