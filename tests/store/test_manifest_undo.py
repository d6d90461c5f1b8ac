"""Taking an entry back: what it had replaced is there again, and nothing that came after it is lost or doubled."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from polarpod.store.parquet_manifest import DataFile, Entry, Manifest, with_entry, without_entry

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
DAY, HOUR_7, HOUR_8 = {"ds": "1"}, {"ds": "1", "hour": "7"}, {"ds": "1", "hour": "8"}


def entry(run_key: str, replace: dict[str, str] | None, hours: str, *, number: int = 1, **given: Any) -> Entry:
    """A run that wrote one file an hour."""
    path = f"{run_key}{number}"
    files = [DataFile(path=f"{path}/{hour}", rows=1, bytes=1, partition={"ds": "1", "hour": hour}) for hour in hours]
    facts = {"job": "j", "uid": f"uid of {path}", "fingerprint": f"f of {path}"} | given
    return Entry(run_key=run_key, number=number, replace=replace, files=files, **facts)


def after(*entries: Entry) -> Manifest:
    found: Manifest | None = None
    for each in entries:
        found = with_entry(found, each, schema={}, partition_by=["ds", "hour"], now=NOW)
    assert found
    return found


def undo(manifest: Manifest, uid: str) -> Manifest:
    undone = without_entry(manifest, uid, number=9, now=NOW)
    assert undone
    assert undone.version == manifest.version + 1
    return undone


def data(manifest: Manifest) -> list[str]:
    return sorted(file.path for each in manifest.entries for file in each.files)


def test_what_it_had_replaced_is_there_again_under_its_own_name() -> None:
    before = after(entry("a", DAY, "78"))
    undone = undo(after(entry("a", DAY, "78"), entry("b", HOUR_7, "7")), "uid of b1")
    assert data(undone) == data(before) == ["a1/7", "a1/8"]
    assert undone.entries[0] == before.entries[0]


def test_its_own_run_goes_back_to_its_earlier_rows_and_can_publish_again() -> None:
    undone = undo(after(entry("a", DAY, "7"), entry("a", DAY, "78", number=2)), "uid of a2")
    assert data(undone) == ["a1/7"]
    assert [(each.number, each.fingerprint) for each in undone.entries] == [(9, "")]


def test_a_first_publish_leaves_only_its_fence() -> None:
    undone = undo(after(entry("a", DAY, "7")), "uid of a1")
    assert data(undone) == []
    assert [(each.run_key, each.number, each.fingerprint) for each in undone.entries] == [("a", 9, "")]


def test_what_another_run_has_replaced_since_is_not_doubled() -> None:
    now = after(entry("a", DAY, "78"), entry("b", HOUR_7, "7"), entry("c", HOUR_8, "8"))
    assert data(undo(now, "uid of b1")) == ["a1/7", "c1/8"]


def test_what_the_replaced_run_has_published_anew_is_not_lost() -> None:
    # b had no rows for hour 7, so a's second attempt took nothing from b
    now = after(entry("a", HOUR_7, "7"), entry("b", DAY, "8"), entry("a", HOUR_7, "7", number=2))
    undone = undo(now, "uid of b1")
    assert data(undone) == ["a2/7"]
    assert {each.run_key: each.number for each in undone.entries} == {"a": 2, "b": 9}


def test_where_a_later_run_owns_the_partition_its_rows_stay_alone_there() -> None:
    now = after(entry("a", HOUR_7, "7"), entry("b", DAY, "8"), entry("c", HOUR_7, "7"))
    assert data(undo(now, "uid of b1")) == ["c1/7"]
    mine = after(entry("b", DAY, "7"), entry("b", DAY, "8", number=2), entry("c", HOUR_7, "7"))
    assert data(undo(mine, "uid of b2")) == ["c1/7"]


def test_what_is_not_there_is_told_apart() -> None:
    assert without_entry(after(entry("a", None, "7")), "somebody else", number=2, now=NOW) is None


def facts(found: Entry) -> tuple[object, ...]:
    """An entry without its own past, which is not kept for two publishes."""
    return found.run_key, found.number, found.fingerprint, found.files


PLACES = st.none() | st.sampled_from([{}, DAY, HOUR_7, HOUR_8])


def _hours(replace: dict[str, str] | None) -> str:
    return (replace or {}).get("hour", "78")


RUNS = st.lists(
    st.builds(lambda key, replace: entry(key, replace, _hours(replace)), st.sampled_from("abc"), PLACES),
    min_size=1,
    max_size=8,
)


@given(runs=RUNS, replace=PLACES)
def test_taken_back_at_once_it_leaves_the_data_as_it_was(runs: list[Entry], replace: dict[str, str] | None) -> None:
    before = after(*runs)
    undone = undo(
        with_entry(before, entry("mine", replace, _hours(replace)), schema={}, partition_by=[], now=NOW), "uid of mine1"
    )
    assert data(undone) == data(before)
    assert [facts(each) for each in undone.entries[:-1]] == [facts(each) for each in before.entries]
    assert (undone.entries[-1].number, undone.entries[-1].fingerprint, undone.entries[-1].files) == (9, "", [])


@given(runs=RUNS, later=RUNS)
def test_taken_back_later_no_run_and_no_owned_partition_is_there_twice(runs: list[Entry], later: list[Entry]) -> None:
    mine = entry("mine", DAY, "7")
    undone = undo(after(*runs, mine, *later), "uid of mine1")
    keys = [each.run_key for each in undone.entries]
    assert len(keys) == len(set(keys))
    assert len(data(undone)) == len(set(data(undone)))
    for position, each in enumerate(undone.entries):
        if each.replace is not None and each.run_key != "mine":
            before = [file for other in undone.entries[:position] for file in other.files]
            assert not [file for file in before if each.replace.items() <= file.partition.items()]
