"""Heartbeats that a launcher, or anybody else, reads from the state store."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import msgspec
import pytest
from tests.launch.kubernetes.attempts import CONTEXT, context
from tests.support.sweeping import delete, find_garbage

from polarpod.contract.context import Context
from polarpod.contract.message import EVERY_SECONDS, FIRST_SECONDS, HEARTBEAT, Message, encode, last_heard
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.heartbeats import BEHIND_SECONDS, FRESH, Heartbeats, is_fresh
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.run import Clock, record
from polarpod.launch.state import State
from polarpod.launch.worker import WorkerExit

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
UID = CONTEXT.attempt.uid
HEARD = Message(
    kind="heartbeat", uid=UID, at=NOW, phase="stage", rows=12_345, elapsed_seconds=31.5, memory_peak_bytes=800 * 2**20
)
TIMEOUT = 30
LOST = Verdict(category=Category.NODE_LOST, summary="the pod's node was lost", evidence=["seen"])


class FakeClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def settled(heartbeats: Heartbeats) -> None:
    if heartbeats._reading:
        heartbeats._reading.join(TIMEOUT)


def test_each_heartbeat_is_told_once_and_the_store_is_asked_so_often_in_an_hour() -> None:
    looks, clock, told = 0, FakeClock(), []

    def read() -> Message:
        nonlocal looks
        looks += 1
        return msgspec.structs.replace(HEARD, rows=looks // 2)

    heartbeats = Heartbeats(read, clock=clock)
    for tick in range(3600 * 5):
        clock.now = tick / 5
        first = heartbeats.new()
        settled(heartbeats)
        told += [message.rows for message in (first, heartbeats.new()) if message]
    assert looks == 360
    assert told == list(range(181))


def test_a_run_that_is_over_at_once_asks_for_none() -> None:
    clock = FakeClock()
    heartbeats = Heartbeats(lambda: pytest.fail("asked"), clock=clock)
    clock.now = 1000.0  # it may have waited long before its worker started, and was asked for nothing then
    assert heartbeats.new() is None
    clock.now += FIRST_SECONDS + BEHIND_SECONDS - 0.01
    assert heartbeats.new() is None
    assert heartbeats._reading is None


def test_a_store_that_hangs_or_is_away_holds_nobody_up() -> None:
    go, clock, looks = threading.Event(), FakeClock(), 0

    def read() -> Message:
        nonlocal looks
        looks += 1
        go.wait(TIMEOUT)
        raise PolarpodError(Category.STORAGE_UNAVAILABLE, "the object store cannot be reached")

    heartbeats = Heartbeats(read, clock=clock)
    heartbeats.new()
    for _ in range(5):
        clock.now += EVERY_SECONDS
        assert heartbeats.new() is None
    go.set()
    settled(heartbeats)
    assert looks == 1
    assert heartbeats.new() is None


def test_one_that_is_told_stays_told_while_the_store_is_away() -> None:
    clock, answers = FakeClock(), [HEARD, None, HEARD]
    heartbeats = Heartbeats(lambda: answers.pop(0), clock=clock)
    heartbeats.new()
    told = []
    for _ in range(3):
        clock.now += EVERY_SECONDS
        first = heartbeats.new()
        settled(heartbeats)
        told += [first, heartbeats.new()]
    assert [message for message in told if message] == [HEARD]


@pytest.mark.parametrize(
    ("message", "fresh"),
    [
        pytest.param(HEARD, True, id="of this moment"),
        pytest.param(msgspec.structs.replace(HEARD, at=NOW - FRESH), False, id="too old"),
        pytest.param(msgspec.structs.replace(HEARD, at=NOW - FRESH * 0.99), True, id="just not too old"),
        pytest.param(msgspec.structs.replace(HEARD, at=NOW + dt.timedelta(hours=1)), True, id="by a clock that is ahead"),
        pytest.param(msgspec.structs.replace(HEARD, at=None), False, id="of no time"),
    ],
)
def test_a_heartbeat_is_fresh_for_a_while(message: Message, fresh: bool) -> None:
    assert is_fresh(message, NOW) is fresh


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(str(tmp_path / "state"))


def begun(state: State, *, seconds_ago: float) -> Context:
    attempt = context(created_at=NOW - dt.timedelta(seconds=seconds_ago))
    state.claim(attempt.job.name, attempt.run_key, UID)
    state.put_context(attempt)
    return attempt


def beat(state: State, attempt: Context, message: Message = HEARD) -> None:
    key = f"runs/{attempt.job.name}/{attempt.run_key}/{UID}/{HEARTBEAT}"
    state.folder.write(key, encode(message))


def heartbeat(state: State, attempt: Context) -> Message | None:
    return state.heartbeat(attempt.job.name, attempt.run_key, UID)


def test_what_a_worker_said_last_is_evidence_where_its_plane_has_nothing(state: State) -> None:
    attempt = begun(state, seconds_ago=60)
    beat(state, attempt)
    ran = record(attempt, WorkerExit(lambda receipt: LOST, None, b""), state, Clock(now=lambda: NOW))
    assert ran.verdict.evidence == ["seen", "last heartbeat: stage, 12,345 rows, 31.5 s, peak 800 MiB"]
    (info,) = state.attempts(attempt.job.name, attempt.run_key)
    assert info.record is not None
    assert info.record.verdict == ran.verdict
    assert info.record.memory_peak_bytes == 800 * 2**20
    assert heartbeat(state, attempt) is None, "it is taken away with the verdict"


def test_what_the_plane_has_comes_before_it(state: State) -> None:
    attempt = begun(state, seconds_ago=60)
    beat(state, attempt)
    own = msgspec.structs.replace(HEARD, memory_peak_bytes=900 * 2**20)
    ran = record(attempt, WorkerExit(lambda receipt: LOST, own, b""), state, Clock(now=lambda: NOW))
    assert ran.verdict == LOST
    (info,) = state.attempts(attempt.job.name, attempt.run_key)
    assert info.record is not None
    assert info.record.memory_peak_bytes == 900 * 2**20


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(msgspec.structs.replace(HEARD, uid="f" * 32), id="of another attempt"),
        pytest.param(None, id="that is none"),
    ],
)
def test_a_document_that_is_no_heartbeat_of_this_attempt_is_no_evidence(state: State, message: Message | None) -> None:
    attempt = begun(state, seconds_ago=60)
    key = f"runs/{attempt.job.name}/{attempt.run_key}/{UID}/{HEARTBEAT}"
    state.folder.write(key, encode(message) if message else b"\xff{")
    ran = record(attempt, WorkerExit(lambda receipt: LOST, None, b""), state, Clock(now=lambda: NOW))
    assert ran.verdict == LOST


def test_a_phase_that_is_no_word_is_not_repeated() -> None:
    assert last_heard(msgspec.structs.replace(HEARD, phase="\x1b[31m password=x")).startswith("last heartbeat: ?, ")


def test_no_request_is_made_for_the_heartbeat_of_a_run_that_was_over_before_the_first(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = begun(state, seconds_ago=FIRST_SECONDS - 0.1)
    monkeypatch.setattr(State, "clear_heartbeat", lambda *_: pytest.fail("asked"))
    record(attempt, WorkerExit(lambda receipt: LOST, HEARD, b""), state, Clock(now=lambda: NOW))


def test_a_heartbeat_that_cannot_be_read_or_taken_away_changes_no_verdict(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise PolarpodError(Category.STORAGE_UNAVAILABLE, "the object store cannot be reached")

    attempt = begun(state, seconds_ago=60)
    monkeypatch.setattr(State, "heartbeat", away)
    monkeypatch.setattr(State, "clear_heartbeat", away)
    assert record(attempt, WorkerExit(lambda receipt: LOST, None, b""), state, Clock(now=lambda: NOW)).verdict == LOST


def test_gc_takes_the_heartbeat_of_an_attempt_that_is_over_and_no_other(state: State, tmp_path: Path) -> None:
    attempt = begun(state, seconds_ago=60)
    beat(state, attempt)
    plane = ProcessPlane(state=state.folder.uri, scratch=str(tmp_path))
    attempt = msgspec.structs.replace(
        attempt,
        job=msgspec.structs.replace(
            attempt.job, output=msgspec.structs.replace(attempt.job.output, uri=str(tmp_path / "lake"))
        ),
    )
    state.put_context(attempt)
    assert find_garbage(state, plane.storage, now=NOW) == []
    (found,) = find_garbage(state, plane.storage, now=NOW + dt.timedelta(days=1))
    assert (found.uid, [key.rpartition("/")[2] for key in found.keys]) == (UID, [HEARTBEAT])
    delete([found], state, plane.storage)
    assert heartbeat(state, attempt) is None
    (info,) = state.attempts(attempt.job.name, attempt.run_key)
    assert info.context is not None
