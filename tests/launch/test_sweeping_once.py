"""A sweep looks at an attempt until nothing of it is left to take, and then never again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tests.launch.lake import DAY, HOUR, Lake
from tests.support.requests import counted
from tests.support.sweeping import find_garbage, swept

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta, Output, Parquet
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.gc import sweep as sweeping
from polarpod.launch.run import Clock
from polarpod.launch.state import State
from polarpod.launch.undo import undo
from polarpod.store.parquet_manifest import RETENTION

FORMATS = [pytest.param(Delta, id="delta"), pytest.param(Parquet, id="parquet")]
AGO = dt.datetime.now(dt.UTC) - DAY


def unswept(lake: Lake) -> set[str]:
    return {due.begun.uid for batch in lake.state.entries.unswept() for due in batch}


def put_runs(lake: Lake, first: int, number: int) -> None:
    for day in range(first, first + number):
        lake.commit(lake.begin(f"d{day}", created=AGO))


@pytest.mark.parametrize("make", FORMATS)
def test_a_sweep_asks_as_little_however_many_runs_were_swept_before(tmp_path: Path, make: Callable[..., Output]) -> None:
    asked = []
    lake = Lake(tmp_path, make)
    for runs in (3, 12):
        put_runs(lake, runs, runs)
        assert lake.garbage() == set()
        assert unswept(lake) == set()
        lake.receipt(lake.begin(f"new-{runs}", created=AGO))
        with counted() as counts:
            assert len(lake.garbage()) == 1
        asked.append(counts.total())
    assert asked[0] == asked[1]


def test_a_look_without_delete_writes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    put_runs(lake, 0, 2)
    lake.receipt(lake.begin("failed", created=AGO))
    before = {entry.key: entry.tag for entry in lake.state.folder.list()}
    for _ in range(2):
        assert len(find_garbage(lake.state, Storage(), now=dt.datetime.now(dt.UTC), keep=DAY)) == 1
    assert {entry.key: entry.tag for entry in lake.state.folder.list()} == before


@pytest.mark.parametrize("make", FORMATS)
def test_an_attempt_that_runs_is_looked_at_until_it_has_ended(tmp_path: Path, make: Callable[..., Output]) -> None:
    lake = Lake(tmp_path, make)
    context = lake.begin("a")
    for _ in range(2):
        assert lake.garbage() == set()
        assert unswept(lake) == {context.attempt.uid}
    lake.receipt(context)
    assert len(lake.garbage()) == 1
    assert unswept(lake) == set()


@pytest.mark.parametrize("make", FORMATS)
def test_runs_of_a_damaged_place_are_looked_at_again_and_others_are_done_with(
    tmp_path: Path, make: Callable[..., Output]
) -> None:
    lake, left = Lake(tmp_path, make), list[Verdict]()
    context = lake.begin("a", created=AGO)
    lake.commit(context)
    names = Path(lake.uri) / ("_delta_log" if make is Delta else "_polarpod")
    away = names.rename(tmp_path / "away")
    assert lake.garbage(on_left=left.append) == set()
    assert (len(left), unswept(lake)) == (1, {context.attempt.uid})
    away.rename(names)
    assert lake.garbage(on_left=pytest.fail) == set()
    assert unswept(lake) == set()


@pytest.mark.parametrize("make", FORMATS)
def test_a_run_that_was_done_with_protects_its_files_where_nobody_names_them_any_more(
    tmp_path: Path, make: Callable[..., Output]
) -> None:
    lake = Lake(tmp_path, make)
    lake.commit(lake.begin("a", created=AGO))
    lake.garbage()
    lake.receipt(lake.begin("b", created=AGO))
    names = Path(lake.uri) / ("_delta_log" if make is Delta else "_polarpod")
    names.rename(tmp_path / "away")
    with pytest.raises(PolarpodError, match="is gone, so that nobody can say") as caught:
        lake.garbage()
    assert caught.value.verdict.category is Category.PUBLISH_REFUSED
    assert lake.files() == 2


def test_files_that_were_replaced_after_their_attempt_was_done_with_go_once_no_reader_holds_them(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Parquet)
    for _ in range(3):
        lake.commit(lake.begin("a", created=AGO))
        assert lake.garbage() == set()
    # one of the three leads back to the dataset, where a file waits for its readers
    assert len(unswept(lake)) == 1
    assert len(lake.garbage(after=RETENTION + HOUR)) == 1
    assert unswept(lake) == set()
    assert lake.files() == 2


def test_files_that_an_undo_has_taken_back_go_although_their_attempt_was_done_with(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Parquet)
    context = lake.begin("a", created=AGO)
    lake.commit(context)
    lake.garbage()
    undo(lake.state.find(context.attempt.uid), lake.state, Storage(), Clock())
    assert lake.garbage() == set()
    assert len(lake.garbage(after=RETENTION + HOUR)) == 1
    assert (unswept(lake), lake.files()) == (set(), 0)


@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize(
    "dies", [pytest.param("note_swept", id="before it notes"), pytest.param("delete", id="before it deletes")]
)
def test_a_sweep_that_is_killed_is_taken_up_by_the_next(
    tmp_path: Path, make: Callable[..., Output], dies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    lake = Lake(tmp_path, make)
    put_runs(lake, 0, 2)
    lake.receipt(lake.begin("failed", created=AGO))
    with monkeypatch.context() as patched:
        patched.setattr(*((lake.state.entries, dies, killed) if dies == "note_swept" else (sweeping.Folder, dies, killed)))
        with pytest.raises(Killed):
            lake.garbage()
    assert len(lake.garbage()) == (dies == "delete")
    assert (unswept(lake), lake.files()) == (set(), 2)


def test_a_number_whose_launcher_died_is_left_for_an_hour_and_then_goes_with_its_entries(tmp_path: Path) -> None:
    state = State(str(tmp_path))
    now = dt.datetime.now(dt.UTC)
    for letter in "ab":
        state.claim("job", "all-1", letter * 32, at=now)
    assert find_garbage(state, Storage(), now=now + dt.timedelta(minutes=59)) == []
    (found,) = swept(state, Storage(), now=now + dt.timedelta(minutes=61))
    assert found.keys == ["runs/job/all-1/claims/00000001"]
    left = [entry.key for entry in state.folder.list() if "a" * 32 in entry.key]
    assert left == []


def test_a_number_that_never_came_into_the_index_goes_with_the_next_attempt_of_its_run(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    put_runs(lake, 0, 1)
    lake.state.folder.write("runs/job/ds-a-0123456789/claims/00000001", b"c" * 32)
    lake.commit(lake.begin("a", created=AGO))
    assert "runs/job/ds-a-0123456789/claims/00000001" in lake.garbage()


def test_a_state_store_without_an_index_is_swept_as_a_whole_and_then_has_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    put_runs(lake, 0, 3)
    failed = lake.begin("failed", created=AGO)
    lake.receipt(failed)
    lake.state.folder.delete([entry.key for entry in lake.state.folder.list("index")])
    lake.state = State(lake.state.folder.uri)
    assert len(find_garbage(lake.state, Storage(), now=dt.datetime.now(dt.UTC))) == 1
    (gone,) = lake.garbage()
    assert failed.attempt.uid in gone
    assert lake.state.entries.is_complete()
    assert unswept(lake) == set()
    assert DeltaTable(lake.uri).version() == 2
