"""Whether a run's rows stand: asked of the table's files, since its transactions outlive them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.runtime.delta_tables import commit_of, publish, rows, standing_of

from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import PolarpodError
from polarpod.store.fence import Standing

D1 = pl.DataFrame({"ds": ["d1", "d1"], "v": [1, 2]})
D2 = pl.DataFrame({"ds": ["d2"], "v": [3]})
GONE = Standing(1, False, undone=True)
STANDS = Standing(1, True)
PARTLY = Standing(1, False, partial=True)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "table")


def append(uri: str) -> Delta:
    return Delta(uri, append=True, partition_by=["ds"])


def replace(uri: str) -> Delta:
    return Delta(uri, replace={"ds": "d1"})


def merge(uri: str) -> Delta:
    return Delta(uri, merge=["v"], partition_by=["ds"])


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
    assert standing_of(commit_of(output(uri))) == STANDS
    DeltaTable(uri).update({"v": "v + 10"}, predicate="v = 1")
    assert standing_of(commit_of(output(uri))) == STANDS


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
