"""A sweep takes files of attempts whose worker has ended, and of these only such as no table has ever named."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, Field, Schema, convert_to_deltalake
from hypothesis import given
from hypothesis import strategies as st
from tests.launch.lake import DAY, DEADLINE, GRACE, HOUR, NOW, Lake, clean_the_log
from tests.support.sweeping import swept

from polarpod.contract.context import Attempt, Context, Storage
from polarpod.contract.dataset import Delta, Output, Parquet
from polarpod.contract.job import JobSpec
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import Resources
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.attempt_end import has_ended
from polarpod.launch.attempt_records import AttemptInfo, Record
from polarpod.launch.outputs.delta.committed import commits_of, never_committed
from polarpod.launch.run import Clock
from polarpod.launch.undo import undo
from polarpod.store.parquet_manifest import RETENTION

FORMATS = [pytest.param(Delta, id="delta"), pytest.param(Parquet, id="parquet")]


@pytest.mark.parametrize("make", FORMATS)
def test_a_worker_that_was_judged_lost_and_lives_may_still_commit_its_files(
    tmp_path: Path, make: Callable[..., Output]
) -> None:
    lake = Lake(tmp_path, make)
    context = lake.begin("d1")
    lake.judge(context, Category.NODE_LOST)
    assert lake.garbage(after=dt.timedelta(minutes=1)) == set()
    assert lake.garbage(after=dt.timedelta(seconds=DEADLINE + GRACE)) == set()
    lake.commit(context)
    assert lake.files() == 1
    # its time is over and its verdict is old: it has committed all the same
    assert lake.garbage(after=30 * DAY) == set()
    if make is Delta:
        assert pl.read_delta(lake.uri)["v"].to_list() == [1]


@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda lake, context: lake.receipt(context), id="a receipt"),
        pytest.param(
            lambda lake, context: lake.judge(context, Category.OUT_OF_MEMORY, seen=True), id="an end that was seen"
        ),
    ],
)
def test_files_of_a_worker_that_has_ended_go_at_once(
    tmp_path: Path, make: Callable[..., Output], end: Callable[[Lake, Context], None]
) -> None:
    lake = Lake(tmp_path, make)
    lake.commit(lake.begin("d0"))
    end(lake, lake.begin("d1"))
    assert len(lake.garbage()) == 1


@pytest.mark.parametrize("make", FORMATS)
def test_files_of_a_worker_whose_time_is_over_go_unless_its_pod_still_waits(
    tmp_path: Path, make: Callable[..., Output]
) -> None:
    lake = Lake(tmp_path, make)
    lake.commit(lake.begin("d0"))
    context = lake.begin("d1")
    late = dt.timedelta(seconds=DEADLINE + GRACE) + 2 * HOUR
    assert lake.garbage(after=late, alive=frozenset([context.attempt.uid])) == set()
    assert len(lake.garbage(after=late)) == 1


def _lose_the_names(lake: Lake) -> None:
    """The log or the manifest, which alone say what is published."""
    for name in ("_delta_log", "_polarpod"):
        shutil.rmtree(Path(lake.uri, name), ignore_errors=True)


def _left(lake: Lake, *, after: dt.timedelta = dt.timedelta()) -> list[Verdict]:
    """What a sweep leaves alone and tells, after it has done so."""
    told: list[Verdict] = []
    now = dt.datetime.now(dt.UTC) + after
    swept(lake.state, lake.plane.storage, now=now, on_left=told.append)
    return told


def _lose_the_receipt(lake: Lake, context: Context, data: bytes | None) -> None:
    key = f"runs/job/{context.run_key}/{context.attempt.uid}/receipt.json"
    lake.state.folder.write(key, data) if data is not None else lake.state.folder.delete([key])


@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize(
    "data", [pytest.param(None, id="lost"), pytest.param(b"{", id="damaged"), pytest.param(b"", id="empty")]
)
def test_without_a_log_or_manifest_only_a_receipt_proves_that_files_were_not_published(
    tmp_path: Path, make: Callable[..., Output], data: bytes | None
) -> None:
    lake = Lake(tmp_path, make)
    published, failed = lake.begin("d1"), lake.begin("d2")
    lake.commit(published)
    lake.judge(published, Category.SUCCEEDED, seen=True)
    lake.receipt(failed)
    _lose_the_receipt(lake, published, data)
    _lose_the_names(lake)
    (told,) = _left(lake)
    assert lake.files() == 1, "of the one that failed it is known"
    assert told.summary.startswith("1 file may have been published: there is no ")
    assert f"attempt 1 of job/ds-d1-0123456789, uid {published.attempt.uid}" in told.evidence
    assert told.remedy.startswith("Run the job again")
    lake.commit(lake.begin("d1"))
    assert _left(lake) == []


@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize(
    "category",
    [Category.STORAGE_UNAVAILABLE, Category.PUBLISH_CONFLICT, Category.PUBLISH_REFUSED, Category.INTERNAL_ERROR],
)
def test_a_commit_whose_answer_was_lost_may_stand(tmp_path: Path, make: Callable[..., Output], category: Category) -> None:
    lake = Lake(tmp_path, make)
    lake.receipt(lake.begin("d1"), category=category)
    assert len(_left(lake)) == 1
    assert lake.files() == 1


@pytest.mark.parametrize("make", FORMATS)
def test_what_was_published_before_the_log_or_manifest_was_made_anew_is_left_and_told(
    tmp_path: Path, make: Callable[..., Output]
) -> None:
    lake = Lake(tmp_path, make)
    for ds in ("d1", "d2"):
        lake.commit(lake.begin(ds))
    hidden = tmp_path / "hidden"
    _lose_the_names(lake)
    if make is Parquet:  # which is begun only where nothing of others lies
        shutil.move(Path(lake.uri, "data"), hidden)
    lake.commit(lake.begin("d3"))
    if make is Parquet:
        shutil.copytree(hidden, Path(lake.uri, "data"), dirs_exist_ok=True)
    (told,) = _left(lake)
    assert (told.category, lake.files()) == (Category.PUBLISH_REFUSED, 3)
    assert told.summary.startswith("2 files of attempts that have published there are not known to the ")


@pytest.mark.parametrize("make", FORMATS)
def test_what_was_published_before_is_swept_once_its_run_was_made_again(tmp_path: Path, make: Callable[..., Output]) -> None:
    lake = Lake(tmp_path, make)
    lake.commit(lake.begin("d1"))
    hidden = tmp_path / "hidden"
    shutil.copytree(lake.uri, hidden)
    shutil.rmtree(lake.uri)
    lake.commit(lake.begin("d1"))
    for name in ("data", "ds=d1"):
        if (hidden / name).exists():
            shutil.copytree(hidden / name, Path(lake.uri, name), dirs_exist_ok=True)
    assert lake.files() == 2
    assert len(lake.garbage()) == 1
    assert _left(lake) == []


def test_what_was_committed_is_known_where_the_log_that_said_so_is_gone(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    lake.commit(lake.begin("a"))
    for _ in range(5):
        lake.commit(lake.begin("b"))
    clean_the_log(lake.uri)
    before = DeltaTable(lake.uri).version()
    lake.commit(lake.begin("a"))
    assert lake.garbage() == set()
    assert pl.read_delta(lake.uri, version=before).filter(ds="a")["v"].to_list() == [1]


def test_an_attempt_that_its_run_has_never_committed_is_swept_where_the_log_is_gone(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    for _ in range(3):
        lake.commit(lake.begin("b"))
    clean_the_log(lake.uri)
    lake.receipt(lake.begin("a"))  # no attempt of this run has ever committed
    lake.receipt(lake.begin("b"))  # newer than the one that has
    assert len(lake.garbage()) == 2


def test_an_attempt_that_may_have_committed_before_the_log_begins_is_left_to_vacuum(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    unknown = lake.begin("b")  # it ended without a commit, but another attempt of the run has committed since
    for _ in range(3):
        lake.commit(lake.begin("b"))
    lake.receipt(unknown)
    clean_the_log(lake.uri)
    lake.commit(lake.begin("b"))
    assert lake.garbage() == set()


def test_files_of_a_parquet_dataset_outlive_their_manifest_by_the_retention(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Parquet)
    for _ in range(3):
        lake.commit(lake.begin("a"))
    # the first two are replaced; an undo needs the second, and a reader that opened the dataset a second ago the first
    assert lake.garbage() == set()
    assert lake.garbage(after=RETENTION - HOUR) == set()
    assert len(lake.garbage(after=RETENTION + HOUR)) == 1
    assert lake.files() == 2


def test_files_that_an_undo_took_away_outlive_it_by_the_retention(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Parquet)
    lake.commit(lake.begin("a"))
    info = lake.state.find("job/ds-a-0123456789")
    undo(info, lake.state, Storage(), Clock())
    assert lake.garbage() == set()
    assert len(lake.garbage(after=RETENTION + HOUR)) == 1


@pytest.mark.parametrize("make", FORMATS)
def test_undo_by_name_means_the_newest_attempt_whose_rows_stand(tmp_path: Path, make: Callable[..., Output]) -> None:
    lake = Lake(tmp_path, make)
    for _ in range(2):
        lake.commit(lake.begin("a"))
    lake.receipt(lake.begin("a"))
    for wanted in (2, 1):
        info = lake.state.published(lake.state.find("job/ds-a-0123456789"))
        assert info is not None
        assert info.number == wanted
        undo(info, lake.state, Storage(), Clock())
    assert lake.state.published(lake.state.find("job/ds-a-0123456789")) is None


@pytest.mark.parametrize("make", FORMATS)
def test_an_undo_that_is_refused_leaves_no_attempt_behind(tmp_path: Path, make: Callable[..., Output]) -> None:
    lake = Lake(tmp_path, make)
    context = lake.begin("a")
    lake.commit(context)
    first = lake.state.find(context.attempt.uid)
    undo(first, lake.state, Storage(), Clock())
    numbers = [number for number, _ in lake.state.claims("job", context.run_key)]
    with pytest.raises(PolarpodError):
        undo(first, lake.state, Storage(), Clock())
    assert [number for number, _ in lake.state.claims("job", context.run_key)] == numbers


def _info(context: Context | None, receipt: Receipt | None, record: Record | None) -> AttemptInfo:
    return AttemptInfo("job", "key", 1, "u" * 32, context, receipt, record)


@given(st.timedeltas(dt.timedelta(0), 90 * DAY), st.timedeltas(dt.timedelta(0), 90 * DAY), st.booleans())
def test_no_worker_can_write_once_it_counts_as_ended(
    judged_after: dt.timedelta, looked_after: dt.timedelta, judged: bool
) -> None:
    """A worker starts at the latest when it is judged, and ends by itself after deadline and grace."""
    output = Delta("/lake/t")
    context = Context(
        job=JobSpec(name="job", module="m", function="f", inputs={}, output=output),
        params={},
        run_key="key",
        attempt=Attempt(number=1, uid="u" * 32),
        code_version="c",
        plane="p",
        resources=Resources(),
        deadline_seconds=DEADLINE,
        grace_seconds=GRACE,
        attempt_uri="/state",
        created_at=NOW,
    )
    record = Record(
        verdict=Verdict(category=Category.NODE_LOST, summary="lost"),
        memory_limit_bytes=1,
        memory_peak_bytes=0,
        judged_at=NOW + judged_after,
    )
    ended = has_ended(_info(context, None, record if judged else None), NOW + looked_after)
    last_word = (judged_after if judged else dt.timedelta(0)) + dt.timedelta(seconds=DEADLINE + GRACE)
    assert not (ended and looked_after <= last_word)
    assert ended == (looked_after > last_word + HOUR)


def test_the_grace_of_a_worker_counts(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    context = lake.begin("a", created=NOW)
    info = lake.state.find(context.attempt.uid)
    end = NOW + dt.timedelta(seconds=DEADLINE + GRACE) + HOUR
    assert [has_ended(info, end), has_ended(info, end + dt.timedelta(seconds=1))] == [False, True]


def test_what_the_log_says_was_committed_stays_although_it_was_replaced(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    failed = lake.begin("a")
    for _ in range(2):
        lake.commit(lake.begin("a"))
    lake.receipt(failed)
    # the whole log is there: it names the two, and not the one that failed before them
    (gone,) = lake.garbage()
    assert failed.attempt.uid in gone
    assert lake.files() == 2


def test_the_attempt_that_its_run_committed_last_is_known_although_nothing_else_names_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    lake.commit(lake.begin("a"))
    for _ in range(3):
        lake.commit(lake.begin("b"))
    clean_the_log(lake.uri)
    DeltaTable(lake.uri).delete("ds = 'a'")
    assert lake.garbage() == set()


def test_what_was_staged_to_be_read_back_goes_after_its_commit(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    context = lake.begin("a")
    lake.commit(context)
    staged = Path(lake.uri) / f"_polarpod/staging/{context.attempt.uid}/{context.attempt.uid}-00000.parquet"
    staged.parent.mkdir(parents=True)
    staged.write_bytes(b"rows")
    assert lake.garbage() == {f"_polarpod/staging/{context.attempt.uid}/{staged.name}"}


def test_a_missing_transaction_proves_nothing_of_an_attempt_that_the_table_may_have_forgotten(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    info = lake.state.find(lake.begin("a").attempt.uid)
    lake.commit(lake.begin("b"))
    table, now = DeltaTable(lake.uri), dt.datetime.now(dt.UTC)
    cleaned = {"since": now + DAY}
    remembered = commits_of(table, [info], now=now)._replace(**cleaned)
    forgotten = commits_of(table, [info], now=now + 91 * DAY)._replace(**cleaned)
    assert remembered.numbers == {"polarpod/job/ds-a-0123456789": None}
    assert [never_committed(info, remembered), never_committed(info, forgotten)] == [True, False]
    assert never_committed(info, forgotten._replace(known_since=None))


def test_a_transaction_that_is_there_proves_that_later_attempts_of_its_run_have_not_committed(tmp_path: Path) -> None:
    lake = Lake(tmp_path, Delta)
    lake.commit(lake.begin("a"))
    info = lake.state.find(lake.begin("a").attempt.uid)
    now = dt.datetime.now(dt.UTC)
    commits = commits_of(DeltaTable(lake.uri), [info], now=now + 91 * DAY)._replace(since=now + DAY)
    assert never_committed(info, commits)


def test_a_file_that_a_table_names_stays_although_no_transaction_tells_whose_it_is(tmp_path: Path) -> None:
    """A folder that was converted to a table names what lies in it, whoever wrote it and however that attempt ended."""
    lake = Lake(tmp_path, Delta)
    lake.receipt(lake.begin("a"))
    partitioned = Schema([Field("ds", "string", nullable=True)])
    convert_to_deltalake(lake.uri, partition_by=partitioned, partition_strategy="hive")
    assert lake.garbage() == set()
    assert pl.read_delta(lake.uri)["v"].to_list() == [1]
