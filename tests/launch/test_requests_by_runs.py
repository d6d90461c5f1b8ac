"""How much is asked of a state store does not depend on how many runs it has."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.many_runs import put_attempt
from tests.support.requests import counted

from polarpod import Delta
from polarpod.launch.lookup import newest_runs
from polarpod.launch.state import State

FIRST = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
FEW, MANY = 12, 60
# of a listing, a claim and the documents
MOST = 120


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[State, str]]:
    """State stores of so many runs of one job, and the uid of one in the middle."""
    made = {}
    for runs in (FEW, MANY):
        root = tmp_path_factory.mktemp(f"runs-{runs}")
        state = State(str(root / "state"))
        uids = []
        for number in range(runs):
            at = FIRST + dt.timedelta(minutes=number)
            made_context = put_attempt(state, key_of(number), Delta(str(root / "table")), at=at)
            uids.append(made_context.attempt.uid)
        made[runs] = (state, uids[5])
    return made


def key_of(number: int) -> str:
    return f"ds-{number:05d}-0123456789"


def _claim(state: State, _: str) -> object:
    # always the same one, so that the store is as before
    number = state.claim("daily_revenue", "again", "e" * 32, at=FIRST)
    state.release("daily_revenue", "again", number)
    return number


READERS: dict[str, Callable[[State, str], object]] = {
    "the newest runs of all jobs": lambda state, _: newest_runs(state, None, 10),
    "the newest runs of one job": lambda state, _: newest_runs(state, "daily_revenue", 10),
    "a uid": lambda state, uid: state.find(uid),
    "the beginning of a uid": lambda state, uid: state.find(uid[:12]),
    "a run by its name": lambda state, _: state.find(f"daily_revenue/{key_of(5)}"),
    "a run by the beginning of its name": lambda state, _: state.find("daily_revenue/ds-00005"),
    "a new attempt's number": _claim,
    "a plan's look back": lambda state, _: next(state.each_attempt("daily_revenue", key_of(5))),
}


def requests(state: State, uid: str, ask: Callable[[State, str], object]) -> Counter[str]:
    # anew, as in a new process
    with counted() as counts:
        ask(State(state.folder.uri), uid)
    return counts


@pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in READERS.items()])
def test_asking_for_it_takes_as_many_requests_however_many_runs_there_are(
    stores: dict[int, tuple[State, str]], ask: Callable[[State, str], object]
) -> None:
    few, many = (requests(*stores[runs], ask) for runs in (FEW, MANY))
    assert few == many
    assert many.total() <= MOST


def test_the_newest_runs_are_those_and_in_order(stores: dict[int, tuple[State, str]]) -> None:
    state, _ = stores[MANY]
    for job in (None, "daily_revenue"):
        found = newest_runs(state, job, 3)
        assert [info.run_key for info in found] == [key_of(MANY - back) for back in (1, 2, 3)]
    assert newest_runs(state, "nobody", 3) == newest_runs(state, "../runs", 3) == []


def test_an_attempt_that_is_made_again_brings_its_run_to_the_front(tmp_path: Path) -> None:
    state = State(str(tmp_path))
    for number in (1, 2, 3, 1):
        at = dt.datetime.now(dt.UTC)
        put_attempt(state, key_of(number), Delta("/lake/t"), at=at, good=False)
    found = newest_runs(state, None, 2)
    assert [(info.run_key, info.number) for info in found] == [(key_of(1), 2), (key_of(3), 1)]
