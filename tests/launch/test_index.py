"""The index of a state store: never the truth about a run, whole by construction, and made anew where it is gone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from tests.contract.samples import CONTEXT, NOON
from tests.support.many_runs import put_attempt

from polarpod import Delta
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.index import Begun, Due, Index, Listed
from polarpod.launch.lookup import newest_runs
from polarpod.launch.state import State

JOB, KEY = CONTEXT.job.name, CONTEXT.run_key
OUT = Delta("/lake/t")
local = pytest.mark.parametrize("lake", [pytest.param("local", id="local")], indirect=True)


def begun(number: int, *, job: str = JOB, run_key: str = KEY) -> Begun:
    return Begun(job, run_key, number, f"{number:032x}", NOON + dt.timedelta(minutes=number))


def all_unswept(state: State) -> list[Begun]:
    return [due.begun for batch in state.entries.unswept() for due in batch]


def test_what_was_added_is_found_by_time_by_job_by_uid_and_by_a_sweep(state: State) -> None:
    index = state.entries
    attempts = [begun(1), begun(2, run_key="other"), begun(3), begun(4, job="stock")]
    for one in attempts:
        index.add(one)
    assert index.jobs() == [JOB, "stock"]
    assert index.newest(JOB, 5) == [attempts[2], attempts[1]]
    assert index.newest(JOB, 1) == [attempts[2]]
    assert index.with_uid(attempts[1].uid, 5) == [attempts[1]]
    assert index.with_uid("0" * 20, 3) == attempts[:3]
    assert index.with_uid("f", 3) == index.with_uid("ff", 3) == index.newest("nobody", 3) == []
    assert all_unswept(state) == attempts


def test_what_a_sweep_has_done_with_waits_for_its_age_and_then_goes_as_a_whole(state: State) -> None:
    one, other = begun(1), begun(2)
    for attempt in (one, other):
        state.entries.add(attempt)
    ((first, _),) = state.entries.unswept()
    state.entries.note_swept(first, one.at)
    assert all_unswept(state) == [other]
    assert list(state.entries.swept_since(one.at)) == []
    [[old]] = state.entries.swept_since(one.at + dt.timedelta(seconds=1))
    assert old.begun == one
    state.entries.note_swept(old, one.at + dt.timedelta(days=9))
    assert list(state.entries.swept_since(one.at + dt.timedelta(days=9))) == []
    [[again]] = state.entries.swept_since(one.at + dt.timedelta(days=10))
    state.entries.forget(again)
    assert state.entries.with_uid(one.uid, 1) == []
    assert [one for one in state.folder.list("index") if begun(1).uid in one.key] == []


@local
@pytest.mark.parametrize("name", [".DS_Store", "1", f"{'0' * 13}.x.1.job.key", f"{'0' * 13}.{'a' * 32}.one.job.key"])
def test_what_other_tools_leave_in_it_is_no_entry(state: State, name: str) -> None:
    state.entries.add(begun(1))
    for folder in ("uids/00", "unswept", "swept", f"jobs/{JOB}"):
        state.folder.write(f"index/{folder}/{name}", b"x")
    assert state.entries.newest(JOB, 9) == all_unswept(state) == state.entries.with_uid("", 9) == [begun(1)]


def test_a_state_store_whose_first_attempt_is_in_its_index_has_a_whole_one(state: State) -> None:
    assert not state.entries.is_complete()
    state.claim(JOB, KEY, "a" * 32)
    assert isinstance(State(state.folder.uri, state.folder._storage).index, Index)


def _gone(state: State) -> None:
    """As of a release that had none, or of somebody who has cleaned up."""
    state.folder.delete([entry.key for entry in state.folder.list("index")])


@local
def test_without_an_index_every_run_is_found_all_the_same_and_the_next_sweep_writes_one(state: State) -> None:
    contexts = [put_attempt(state, f"ds-{number}-0", OUT, at=begun(number).at) for number in (1, 2, 3)]
    _gone(state)
    old = State(state.folder.uri)
    assert isinstance(old.index, Listed)
    assert [info.run_key for info in newest_runs(old, None, 2)] == ["ds-3-0", "ds-2-0"]
    assert old.find(contexts[0].attempt.uid[:20]).uid == contexts[0].attempt.uid
    # one more does not make it whole
    put_attempt(old, "ds-4-0", OUT, at=begun(4).at)
    assert isinstance(State(state.folder.uri).index, Listed)
    assert len(newest_runs(State(state.folder.uri), None, 9)) == 4
    old.write_index()
    new = State(state.folder.uri)
    assert isinstance(new.index, Index)
    assert [info.run_key for info in newest_runs(new, None, 9)] == [f"ds-{number}-0" for number in (4, 3, 2, 1)]
    assert new.find(contexts[0].attempt.uid[:20]).uid == contexts[0].attempt.uid


@local
def test_an_index_of_a_layout_that_is_not_known_is_refused_by_its_version(state: State) -> None:
    state.folder.write("index/complete.json", b'{"protocol": "9.0"}')
    for ask in (lambda: state.claim(JOB, KEY, "a" * 32), lambda: newest_runs(state, None, 1), lambda: state.find("a")):
        with pytest.raises(PolarpodError, match="index of the state store") as caught:
            ask()
        assert caught.value.verdict.category is Category.CONTEXT_INVALID
    assert state.folder.list("runs") == []


class _Killed(Exception):
    pass


@local
@pytest.mark.parametrize("after", range(6))
def test_a_launcher_that_dies_anywhere_leaves_no_context_that_the_index_does_not_lead_to(
    state: State, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = after

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def write(*args: object) -> object:
            nonlocal left
            if not left:
                raise _Killed
            left -= 1
            return real(*args)

        return write

    with monkeypatch.context() as patched:
        patched.setattr(state.folder, "write", dying(state.folder.write))
        patched.setattr(state.folder, "create", dying(state.folder.create))
        with suppress(_Killed):
            put_attempt(state, KEY, OUT, at=NOON)
    new = State(state.folder.uri)
    contexts = [entry.key for entry in new.folder.list("runs") if entry.key.endswith("/context.json")]
    found = newest_runs(new, None, 9)
    assert len([info for info in found if info.context]) == len(contexts)
    # and whatever it has left hides nobody else's
    put_attempt(new, KEY, OUT, at=NOON + dt.timedelta(minutes=1))
    (info,) = newest_runs(new, None, 9)
    assert info.receipt is not None
    assert new.find(info.uid).uid == info.uid


def test_many_launchers_at_once_lose_no_entry(state: State) -> None:
    def launch(number: int) -> str:
        return put_attempt(
            State(state.folder.uri, state.folder._storage), KEY, OUT, at=NOON, good=number % 2 > 0
        ).attempt.uid

    with ThreadPoolExecutor(6) as threads:
        uids = list(threads.map(launch, range(6)))
    assert {one.uid for one in all_unswept(state)} == set(uids)
    for uid in uids:
        assert state.find(uid).uid == uid


@local
def test_an_entry_whose_run_is_gone_leads_to_nothing(state: State) -> None:
    put_attempt(state, "ds-1-0", OUT, at=begun(1).at)
    state.entries.add(begun(2, run_key="ds-2-0"))
    assert [info.run_key for info in newest_runs(state, None, 1)] == ["ds-1-0"]
    with pytest.raises(PolarpodError, match="no run matches"):
        state.find(begun(2).uid)
    state.entries.forget(Due("", begun(2, run_key="ds-2-0")))
    assert [one.uid for one in all_unswept(state)] == [newest_runs(state, None, 1)[0].uid]


@local
@pytest.mark.parametrize(
    "data", [pytest.param(b"", id="empty"), pytest.param(b'{"proto', id="cut"), pytest.param(b"[]", id="no index")]
)
def test_a_note_of_a_whole_index_that_is_damaged_is_told_stops_nobody_and_is_written_anew(state: State, data: bytes) -> None:
    put_attempt(state, "ds-1-0", OUT, at=begun(1).at)
    state.folder.write("index/complete.json", data)
    told: list[Verdict] = []
    damaged = State(state.folder.uri, on_damage=told.append)
    put_attempt(damaged, "ds-2-0", OUT, at=begun(2).at)
    assert [info.run_key for info in newest_runs(damaged, None, 9)] == ["ds-2-0", "ds-1-0"]
    [damage] = told
    assert damage.evidence == [f"{state.folder.uri}/index/complete.json"]
    assert "`polarpod gc --delete`" in damage.remedy
    damaged.write_index()
    assert isinstance(State(state.folder.uri, on_damage=pytest.fail).index, Index)
