"""The attempt a person means: by uid, by its beginning, by job and run key, or by run key alone."""

from __future__ import annotations

import msgspec
import pytest
from tests.contract.samples import CONTEXT

from polarpod.contract.context import Attempt
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.state import State

FIRST, SECOND, THIRD, FOURTH = (prefix + "0" * 30 for prefix in ("aa", "ab", "c1", "d1"))
ATTEMPTS = [("sales", "ds-1", FIRST), ("sales", "ds-1", SECOND), ("stock", "ds-1", THIRD), ("stock", "all", FOURTH)]


@pytest.fixture
def runs(state: State) -> State:
    """One run with two attempts, one of another job with the same run key, and one of its own."""
    for job, run_key, uid in ATTEMPTS:
        attempt = Attempt(number=state.claim(job, run_key, uid), uid=uid)
        spec = msgspec.structs.replace(CONTEXT.job, name=job)
        state.put_context(msgspec.structs.replace(CONTEXT, job=spec, run_key=run_key, attempt=attempt))
    return state


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        pytest.param(FIRST, FIRST, id="a whole uid"),
        pytest.param("aa", FIRST, id="the beginning of a uid"),
        pytest.param("c", THIRD, id="one character of a uid, which is also the beginning of `claims`"),
        pytest.param("sales/ds-1", SECOND, id="the newest attempt of a job and run key"),
        pytest.param("all", FOURTH, id="a run key that only one job has"),
    ],
)
def test_it_is_found_by(runs: State, name: str, uid: str) -> None:
    found = runs.find(name)
    assert found.uid == uid
    assert found.context
    assert (found.context.job.name, found.context.run_key, found.context.attempt.number) == (
        found.job,
        found.run_key,
        found.number,
    )


@pytest.mark.parametrize(
    ("name", "uids"),
    [
        pytest.param("a", [FIRST, SECOND], id="the beginning of two uids"),
        pytest.param("ds-1", [SECOND, THIRD], id="a run key of two jobs"),
        pytest.param("", [FIRST, SECOND, THIRD, FOURTH], id="nothing at all"),
    ],
)
def test_several_are_listed_and_none_is_chosen(runs: State, name: str, uids: list[str]) -> None:
    with pytest.raises(PolarpodError, match=f"{len(uids)} runs match '{name}'") as caught:
        runs.find(name)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert sorted(line.rpartition(" ")[2] for line in caught.value.verdict.evidence) == uids
    assert "job/run key, or by the first characters of its uid" in caught.value.verdict.remedy


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ffff", id="no uid begins so"),
        pytest.param("sales/ds-2", id="no such run key"),
        pytest.param("nobody/ds-1", id="no such job"),
        pytest.param("claims", id="a folder that is no attempt"),
    ],
)
def test_none_says_where_was_looked(runs: State, name: str) -> None:
    with pytest.raises(PolarpodError, match=f"no run matches '{name}'") as caught:
        runs.find(name)
    assert caught.value.verdict.evidence == [f"looked in {runs.folder.uri}"]
    assert "`polarpod runs` lists them" in caught.value.verdict.remedy


@pytest.mark.parametrize(
    "name", [pytest.param(name, id=ascii(name)) for name in ("/", "../..", "a//b", "sales/../stock", "a/\t")]
)
def test_a_name_that_would_leave_the_store_is_refused(runs: State, name: str) -> None:
    with pytest.raises(PolarpodError) as caught:
        runs.find(name)
    assert caught.value.verdict.category is Category.REQUEST_INVALID


def test_an_empty_store_has_nothing(state: State) -> None:
    assert state.jobs() == []
    assert state.run_keys("sales") == []
    with pytest.raises(PolarpodError, match="no run matches 'a'"):
        state.find("a")


def test_jobs_and_run_keys_are_listed(runs: State) -> None:
    assert runs.jobs() == ["sales", "stock"]
    assert runs.run_keys("stock") == ["all", "ds-1"]
