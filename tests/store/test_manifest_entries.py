"""What a manifest names after a run: what the run owns is replaced, everything else stays, and nothing is there twice."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.object_store import Lake

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Folder
from polarpod.store.parquet_manifest import KEY, RETENTION, DataFile, Entry, Manifest, read, swap, with_entry

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
SCHEMA = {"a": "Int64"}


def entry(run_key: str, replace: dict[str, str] | None, **given: Any) -> Entry:
    """A run that wrote one file, into the partition that it owns."""
    file = DataFile(path=f"data/{run_key}", rows=1, bytes=1, partition={"ds": "1", "hour": "9"} | (replace or {}))
    facts = {"job": "j", "number": 1, "uid": f"uid of {run_key}", "fingerprint": "f", "files": [file]} | given
    return Entry(run_key=run_key, replace=replace, **facts)


def after(*entries: Entry) -> Manifest:
    """The manifest after these runs, one after the other."""
    found: Manifest | None = None
    for each in entries:
        found = with_entry(found, each, schema=SCHEMA, partition_by=["ds", "hour"], now=NOW)
    assert found
    return found


def named(manifest: Manifest) -> list[str]:
    """The run keys whose files are the data; an entry without files only fences."""
    return [each.run_key for each in manifest.entries for _ in each.files]


DAY_1, DAY_2, HOUR = {"ds": "1"}, {"ds": "2"}, {"ds": "1", "hour": "7"}


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        pytest.param([entry("a", None), entry("b", None)], ["a", "b"], id="appends stand beside each other"),
        pytest.param([entry("a", None), entry("a", None)], ["a"], id="a run's own append is replaced by its next"),
        pytest.param([entry("a", DAY_1), entry("b", DAY_2)], ["a", "b"], id="two partitions"),
        pytest.param([entry("a", DAY_1), entry("b", DAY_1)], ["b"], id="one partition by two runs"),
        pytest.param([entry("a", HOUR), entry("b", DAY_1)], ["b"], id="a day replaces its hours"),
        pytest.param([entry("a", HOUR), entry("b", DAY_2)], ["a", "b"], id="another day does not"),
        pytest.param([entry("a", None), entry("b", DAY_1)], ["b"], id="a day replaces what was appended to it"),
        pytest.param([entry("a", None), entry("b", DAY_2)], ["a", "b"], id="and nothing that was appended to another"),
        pytest.param([entry("a", DAY_1), entry("b", HOUR)], ["a", "b"], id="an hour does not replace another hour"),
        pytest.param([entry("a", None), entry("b", DAY_2), entry("c", {})], ["c"], id="everything is replaced by all"),
        pytest.param([entry("a", DAY_1), entry("b", None)], ["a", "b"], id="an append replaces nothing"),
        pytest.param([entry("a", DAY_1), entry("a", DAY_2)], ["a"], id="one run key in two partitions is one run"),
        pytest.param([entry("a", None), entry("a", None, job="k")], ["a", "a"], id="two jobs may share a run key"),
    ],
)
def test_after_these_runs_the_data_is_of(entries: list[Entry], left: list[str]) -> None:
    assert named(after(*entries)) == left


@pytest.mark.parametrize(
    "old", [pytest.param(DAY_1, id="a day"), pytest.param({}, id="everything"), pytest.param(None, id="an append")]
)
def test_an_hour_replaces_that_hour_of_what_another_run_published(old: dict[str, str] | None) -> None:
    hours = [DataFile(path=f"data/a/{hour}", rows=1, bytes=1, partition={"ds": "1", "hour": hour}) for hour in "78"]
    now = after(entry("a", old, files=hours), entry("b", HOUR))
    assert [file.path for each in now.entries for file in each.files] == ["data/a/8", "data/b"]


def test_a_run_whose_files_were_replaced_still_fences_but_its_content_is_not_there_any_more() -> None:
    first = after(entry("a", DAY_1, number=4), entry("b", DAY_1)).entries[0]
    assert (first.run_key, first.number, first.fingerprint, first.files) == ("a", 4, "", [])


PLACES = st.none() | st.dictionaries(st.sampled_from(["ds", "hour"]), st.sampled_from("12"), max_size=2)
ENTRIES = st.builds(
    lambda run_key, replace, job: entry(run_key, replace, job=job), st.sampled_from("abcd"), PLACES, st.sampled_from("jk")
)
RUNS = st.lists(ENTRIES, min_size=1, max_size=12)


@given(runs=RUNS)
def test_no_run_is_ever_there_twice_and_the_last_one_always_is(runs: list[Entry]) -> None:
    found = after(*runs)
    identities = [(each.job, each.run_key) for each in found.entries]
    assert len(identities) == len(set(identities))
    assert found.entries[-1].files == runs[-1].files
    assert found.version == len(runs)


@given(runs=RUNS)
def test_the_last_run_to_replace_a_partition_is_alone_in_it(runs: list[Entry]) -> None:
    last = runs[-1].replace
    others = [file for each in after(*runs).entries[:-1] for file in each.files]
    if last is not None:
        assert not [file for file in others if last.items() <= file.partition.items()]


@given(runs=RUNS)
def test_an_append_leaves_every_other_run_where_it_is(runs: list[Entry]) -> None:
    before = after(*runs)
    assert with_entry(before, entry("new", None), schema=SCHEMA, partition_by=[], now=NOW).entries[:-1] == before.entries


def test_a_manifest_is_swapped_once_and_read_back(reachable: Lake) -> None:
    folder = Folder(f"{reachable.uri}/dataset", reachable.storage)
    assert read(folder) is None
    first = after(entry("a", DAY_1))
    assert swap(folder, first, expected=None) is True
    assert swap(folder, first, expected=None) is False
    found = read(folder)
    assert found
    assert found.manifest == first
    assert swap(folder, after(entry("a", DAY_1), entry("b", DAY_2)), expected=found.tag) is True
    assert swap(folder, first, expected=found.tag) is False


def test_a_manifest_that_somebody_broke_is_refused_with_its_place(tmp_path: Any) -> None:
    folder = Folder(str(tmp_path))
    folder.write(KEY, b'{"protocol": "2.0"}')
    with pytest.raises(PolarpodError, match=r"the manifest of a Parquet dataset speaks protocol '2\.0'") as caught:
        read(folder)
    assert caught.value.verdict.category is Category.PUBLISH_REFUSED, "no retry mends it"
    assert caught.value.verdict.evidence == [f"{tmp_path}/{KEY}"]


def test_tombstones_are_kept_for_the_retention_and_no_longer() -> None:
    def replaced(before: Manifest | None, number: int, now: dt.datetime) -> Manifest:
        file = DataFile(path=f"data/{number}", rows=1, bytes=1, partition={"ds": "1", "hour": "9"})
        new = entry("k", {}, number=number, uid=f"uid {number}", files=[file])
        return with_entry(before, new, schema=SCHEMA, partition_by=["ds", "hour"], now=now)

    found = None
    for number in range(3):
        found = replaced(found, number, NOW)
    assert found is not None
    assert [stone.path for stone in found.tombstones] == ["data/0"]
    later = replaced(found, 3, NOW + RETENTION - dt.timedelta(seconds=1))
    assert [stone.path for stone in later.tombstones] == ["data/0", "data/1"]
    assert [stone.path for stone in replaced(later, 4, NOW + RETENTION).tombstones] == ["data/1", "data/2"]
