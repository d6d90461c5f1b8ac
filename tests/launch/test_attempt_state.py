"""The state store: numbers are taken once, what stands never goes back, and a person finds the attempt they mean."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.samples import CONTEXT, NOON, RECEIPT, UID, VERDICT

from polarpod.contract.codec import encode
from polarpod.launch.attempt_records import Record, StandingNote
from polarpod.launch.state import State

JOB, KEY = CONTEXT.job.name, CONTEXT.run_key
RIVALS = 8
# not moto, which looks and then writes
atomic = pytest.mark.parametrize("lake", [pytest.param(name, id=name) for name in ("local", "versitygw")], indirect=True)
local = pytest.mark.parametrize("lake", [pytest.param("local", id="local")], indirect=True)


def uid(number: int, prefix: str = "") -> str:
    return f"{prefix}{number:032x}"[: 32 if prefix else None]


def note(number: int) -> StandingNote:
    return StandingNote(number=number, uid=uid(number), fingerprint=f"f{number}")


def at_once(action: object) -> list[object]:
    gate = Barrier(RIVALS)

    def rival(number: int) -> object:
        gate.wait()
        return action(number)

    with ThreadPoolExecutor(RIVALS) as pool:
        return list(pool.map(rival, range(RIVALS)))


@atomic
def test_many_launchers_at_once_take_consecutive_numbers_one_each(state: State) -> None:
    numbers = at_once(lambda me: state.claim(JOB, KEY, uid(me)))
    assert sorted(numbers) == list(range(1, RIVALS + 1))  # type: ignore[type-var]
    assert [number for number, _ in state.claims(JOB, KEY)] == sorted(numbers)  # type: ignore[type-var]
    held = {info.number: info.uid for info in state.attempts(JOB, KEY)}
    assert held == {number: uid(me) for me, number in enumerate(numbers)}


@atomic
def test_what_stands_is_the_newest_in_whatever_order_launchers_arrive(state: State) -> None:
    at_once(lambda me: state.put_standing(JOB, KEY, note(me + 1)))
    assert state.standing(JOB, KEY) == note(RIVALS)


def test_numbers_count_from_one_by_run_key_and_go_on_where_the_table_is(state: State) -> None:
    assert state.claims(JOB, KEY) == []
    assert state.claim(JOB, KEY, uid(1)) == 1
    assert state.claim(JOB, KEY, uid(2)) == 2
    assert state.claim(JOB, "other", uid(3)) == 1
    assert state.claim(JOB, KEY, uid(4), above=7) == 8
    assert state.claim(JOB, KEY, uid(5), above=3) == 9


@local
@given(numbers=st.lists(st.integers(1, 9), min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_what_stands_never_goes_back(state: State, numbers: list[int]) -> None:
    state.clear_standing(JOB, KEY)
    for position, number in enumerate(numbers):
        state.put_standing(JOB, KEY, note(number))
        assert state.standing(JOB, KEY) == note(max(numbers[: position + 1]))


def test_nothing_stands_where_nothing_was_noted_or_it_was_cleared(state: State) -> None:
    assert state.standing(JOB, KEY) is None
    state.put_standing(JOB, KEY, note(3))
    state.clear_standing(JOB, KEY)
    assert state.standing(JOB, KEY) is None


def test_an_attempt_is_read_back_as_it_was_written(state: State) -> None:
    number = state.claim(JOB, KEY, UID)
    place, data = state.put_context(CONTEXT)
    assert place == f"{state.attempt_uri(JOB, KEY, UID)}/context.json"
    assert data == encode(CONTEXT)
    record = Record(verdict=VERDICT, memory_limit_bytes=2, memory_peak_bytes=1, judged_at=NOON)
    state.put_record(JOB, KEY, UID, record)
    state.put_log(JOB, KEY, UID, b"line\n")
    state.folder.write(f"runs/{JOB}/{KEY}/{UID}/receipt.json", encode(RECEIPT))
    assert state.attempts(JOB, KEY) == [(JOB, KEY, number, UID, CONTEXT, RECEIPT, record, ())]
    assert state.receipt(JOB, KEY, UID) == RECEIPT
    assert state.log(JOB, KEY, UID) == b"line\n"


def test_an_attempt_that_never_got_far_is_known_by_its_claim(state: State) -> None:
    state.claim(JOB, KEY, uid(1))
    assert state.attempts(JOB, KEY) == [(JOB, KEY, 1, uid(1), None, None, None, ())]
    assert state.log(JOB, KEY, uid(1)) is None


def test_attempts_come_newest_first_and_only_as_many_as_asked(state: State) -> None:
    for number in range(1, 12):
        state.claim(JOB, KEY, uid(number))
    assert [info.number for info in state.attempts(JOB, KEY)] == list(range(11, 0, -1))
    assert [info.number for info in state.attempts(JOB, KEY, newest=2)] == [11, 10]


@local
def test_what_other_tools_leave_among_the_claims_is_none(state: State) -> None:
    state.claim(JOB, KEY, uid(1))
    state.folder.write(f"runs/{JOB}/{KEY}/claims/.DS_Store", b"")
    assert state.claim(JOB, KEY, uid(2)) == 2
    assert [info.uid for info in state.attempts(JOB, KEY)] == [uid(2), uid(1)]


@local
def test_a_receipt_of_a_newer_protocol_does_not_hide_the_other_attempts(state: State) -> None:
    state.claim(JOB, KEY, uid(1))
    state.claim(JOB, KEY, UID)
    newer = msgspec.structs.replace(RECEIPT, protocol="2.0")
    state.folder.write(f"runs/{JOB}/{KEY}/{UID}/receipt.json", encode(newer))
    assert [info.number for info in state.attempts(JOB, KEY)] == [2, 1]
