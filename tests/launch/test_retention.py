"""What a plane's retention takes, and what it never takes: rows that stand, what an undo reads, and a run's numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.launch.lake import DAY, Lake, clean_the_log
from tests.support.requests import counted

from polarpod.contract.context import Context, Storage
from polarpod.contract.dataset import Delta, Output, Parquet
from polarpod.launch.run import Clock
from polarpod.launch.undo import undo

FORMATS = [pytest.param(Delta, id="delta"), pytest.param(Parquet, id="parquet")]
KEEP = 90 * DAY
AGO = dt.datetime.now(dt.UTC) - 100 * DAY
RUN = "ds-a-0123456789"


def numbers(lake: Lake, run: str = RUN) -> list[int]:
    return [info.number for info in lake.state.attempts("job", run)]


def failed(lake: Lake, day: str = "a", *, created: dt.datetime = AGO) -> Context:
    context = lake.begin(day, created=created)
    lake.receipt(context)
    return context


def published(lake: Lake, day: str = "a", *, created: dt.datetime = AGO) -> Context:
    context = lake.begin(day, created=created)
    lake.commit(context)
    return context


def sweep_twice(lake: Lake) -> None:
    """The first looks at the files, and the age of what it has done with is looked at by the same or the next."""
    for _ in range(2):
        lake.garbage(keep=KEEP)


@pytest.mark.parametrize("make", FORMATS)
def test_old_failures_go_with_all_their_documents_and_the_run_that_stands_stays(
    tmp_path: Path, make: Callable[..., Output]
) -> None:
    lake = Lake(tmp_path, make)
    lost, kept = failed(lake), published(lake)
    sweep_twice(lake)
    assert numbers(lake) == [2]
    assert [entry.key for entry in lake.state.folder.list() if lost.attempt.uid in entry.key] == []
    assert lake.state.standing("job", RUN)
    undo(lake.state.find(kept.attempt.uid), lake.state, Storage(), Clock())


def test_what_is_younger_or_kept_for_ever_stays(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    failed(lake)
    failed(lake, created=dt.datetime.now(dt.UTC) - 80 * DAY)
    published(lake)
    for _ in range(2):
        lake.garbage()
    assert numbers(lake) == [3, 2, 1]
    sweep_twice(lake)
    assert numbers(lake) == [3, 2]


def test_a_run_of_which_nothing_stands_goes_as_a_whole_and_its_next_attempt_is_the_first(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    for _ in range(3):
        failed(lake)
    sweep_twice(lake)
    assert [entry.key for entry in lake.state.folder.list("runs")] == []
    assert published(lake).attempt.number == 1


@pytest.mark.parametrize("make", FORMATS)
def test_the_highest_number_stays_as_long_as_its_run(tmp_path: Path, make: Callable[..., Output]) -> None:
    lake = Lake(tmp_path, make)
    published(lake)
    for _ in range(2):
        failed(lake)
    sweep_twice(lake)
    assert numbers(lake) == [3, 1]
    assert lake.begin("a").attempt.number == 4


def test_every_publish_that_a_tables_log_still_has_can_be_undone(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    for _ in range(3):
        published(lake)
    sweep_twice(lake)
    for wanted in (3, 2, 1):
        info = lake.state.published(lake.state.find(f"job/{RUN}"))
        assert info is not None
        assert info.number == wanted
        undo(info, lake.state, Storage(), Clock())


def test_a_publish_that_the_tables_log_has_forgotten_goes_unless_it_stands(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    for _ in range(3):
        published(lake)
    published(lake, "b")
    clean_the_log(lake.uri)
    sweep_twice(lake)
    assert (numbers(lake), numbers(lake, "ds-b-0123456789")) == ([3], [1])


def test_of_a_dataset_the_publish_that_stands_and_the_one_before_stay(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Parquet)
    for number in range(4):
        published(lake, created=AGO + dt.timedelta(minutes=number))
    # their files wait for readers: who sweeps those asks whether their attempts have ended
    sweep_twice(lake)
    assert numbers(lake) == [4, 3, 2, 1]
    later = 8 * DAY
    assert len(lake.garbage(after=later, keep=KEEP)) == 2
    lake.garbage(after=later + KEEP + DAY, keep=KEEP)
    assert numbers(lake) == [4, 3]
    info = lake.state.published(lake.state.find(f"job/{RUN}"))
    assert info is not None
    undo(info, lake.state, Storage(), Clock())


@pytest.mark.parametrize("make", FORMATS)
def test_an_undo_is_remembered_as_long_as_what_it_took_back(tmp_path: Path, make: Callable[..., Output]) -> None:
    lake = Lake(tmp_path, make)
    context = published(lake, created=dt.datetime.now(dt.UTC))
    undo(lake.state.find(context.attempt.uid), lake.state, Storage(), Clock())
    failed(lake, created=dt.datetime.now(dt.UTC))
    for _ in range(2):
        lake.garbage(after=KEEP + DAY, keep=KEEP)
    assert numbers(lake) == [3, 2, 1]
    assert lake.state.published(lake.state.find(f"job/{RUN}")) is None


def test_what_is_needed_is_not_asked_about_by_every_sweep(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    asked = []
    for runs in (2, 8):
        for day in range(runs):
            published(lake, f"{runs}-{day}")
        sweep_twice(lake)
        with counted() as counts:
            assert lake.garbage(keep=KEEP) == set()
        asked.append(counts.total())
    assert asked[0] == asked[1]


def test_a_note_of_what_stands_that_is_damaged_protects_every_attempt_of_its_run(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    failed(lake)
    published(lake)
    lake.state.folder.write(f"runs/job/{RUN}/standing.json", b"{")
    sweep_twice(lake)
    assert numbers(lake) == [2, 1]


def test_a_table_that_is_damaged_protects_every_attempt_that_published_there(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Parquet)
    for _ in range(2):
        published(lake)
    lake.garbage()
    (Path(lake.uri) / "_polarpod/manifest.json").write_bytes(b"{")
    told: list[object] = []
    lake.garbage(keep=KEEP, on_left=told.append)
    assert told
    assert numbers(lake) == [2, 1]


def test_a_publish_whose_context_is_lost_stays_since_its_receipt_is_enough_for_an_undo(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    first = published(lake)
    published(lake)
    lake.garbage()
    lake.state.folder.delete([f"runs/job/{RUN}/{first.attempt.uid}/context.json"])
    sweep_twice(lake)
    assert numbers(lake) == [2, 1]
