"""How big the next attempt is after what earlier ones had, and when nothing should be started any more."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.samples import CONTEXT, RECEIPT

from polarpod.contract.codec import encode
from polarpod.contract.resources import GIB, MIB, Resources
from polarpod.contract.verdict import Budget, Category, Verdict, budget_of
from polarpod.launch.clock import Clock
from polarpod.launch.memory_sizing import Past, Success, size
from polarpod.launch.recording import record
from polarpod.launch.state import State
from polarpod.launch.worker import WorkerExit

DECLARED = Resources(cpu=2, memory_bytes=GIB, spill_bytes=5 * GIB)
OOM = Category.OUT_OF_MEMORY
PLATFORM = [category for category in Category if budget_of(category) is Budget.PLATFORM]


def test_a_first_attempt_gets_what_is_declared() -> None:
    assert size(DECLARED, [], growth=2, cap_bytes=None) == (DECLARED, "declared in @job", None)


@pytest.mark.parametrize(
    ("past", "growth", "cap", "expected"),
    [
        pytest.param(Past(OOM, GIB, GIB), 2.0, None, 2 * GIB, id="the limit times the growth"),
        pytest.param(Past(OOM, GIB, 3 * GIB), 2.0, None, 3840 * MIB, id="or a quarter more than the peak, if that is more"),
        pytest.param(Past(OOM, GIB, 0), 1.5, None, 1536 * MIB, id="without a peak"),
        pytest.param(Past(OOM, 512 * MIB, 0), 1.5, None, GIB, id="never less than declared"),
        pytest.param(Past(OOM, GIB, GIB), 8.0, 3 * GIB, 3 * GIB, id="at most the plane's"),
        pytest.param(Past(OOM, 1_000_000_001, 0), 1.1, None, 1050 * MIB, id="in whole mebibytes, rounded up"),
    ],
)
def test_after_running_out_of_memory_it_gets_more(past: Past, growth: float, cap: int | None, expected: int) -> None:
    found = size(DECLARED, [past], growth=growth, cap_bytes=cap)
    assert found.stop is None
    assert found.resources == Resources(cpu=2, memory_bytes=expected, spill_bytes=5 * GIB)


def test_the_reason_says_what_it_had_what_it_used_and_what_it_gets() -> None:
    grown = size(DECLARED, [Past(OOM, GIB, 1000 * MIB)], growth=2.0, cap_bytes=None)
    assert grown.reason == "out of memory at 1.0 GiB (peak 1000 MiB): x2"
    capped = size(DECLARED, [Past(OOM, GIB, 1000 * MIB)], growth=4.0, cap_bytes=3 * GIB)
    assert capped.reason == "out of memory at 1.0 GiB (peak 1000 MiB): x4, capped by max_memory from 4.0 GiB"


@pytest.mark.parametrize("cap", [pytest.param(4 * GIB, id="at the cap"), pytest.param(2 * GIB, id="above a lowered cap")])
def test_where_more_is_not_allowed_nothing_is_started(cap: int) -> None:
    found = size(DECLARED, [Past(OOM, 4 * GIB, 4 * GIB)], growth=2, cap_bytes=cap)
    assert found.stop
    assert found.stop.category is OOM
    assert found.stop.summary == "the run is out of memory, and more is not allowed"
    assert found.stop.evidence[0] == "out of memory at 4.0 GiB (peak 4.0 GiB)"
    assert f"max_memory is {cap // GIB}.0 GiB" in found.stop.evidence[1]
    assert "Raise max_memory of the plane" in found.stop.remedy
    assert "fewer columns" in found.stop.remedy


def test_a_job_that_declares_more_than_the_plane_has_is_refused() -> None:
    found = size(DECLARED, [], growth=2, cap_bytes=512 * MIB)
    assert found.stop
    assert found.stop.category is Category.REQUEST_INVALID
    assert "asks for 1.0 GiB" in found.stop.summary
    assert "512 MiB" in found.stop.summary
    assert "raise max_memory" in found.stop.remedy


@pytest.mark.parametrize("category", [pytest.param(category, id=str(category)) for category in PLATFORM])
def test_what_the_platform_did_says_nothing_about_memory_and_is_looked_past(category: Category) -> None:
    past = [Past(category, 2 * GIB, 0), Past(OOM, GIB, GIB)]
    assert size(DECLARED, past, growth=2, cap_bytes=None).resources.memory_bytes == 2 * GIB
    assert size(DECLARED, past[:1], growth=2, cap_bytes=None).reason == "declared in @job"


def test_an_ending_that_came_far_enough_counts_although_memory_ran_out_before_it() -> None:
    past = [Past(Category.SUCCEEDED, 2 * GIB, GIB), Past(OOM, GIB, GIB)]
    assert size(DECLARED, past, growth=2, cap_bytes=None).reason == "declared in @job"


MEMORY = st.integers(256 * MIB, 64 * GIB)


@given(limit=MEMORY, peak=MEMORY, growth=st.floats(1, 8, exclude_min=True), cap=st.none() | MEMORY, declared=MEMORY)
def test_it_grows_or_stops_and_never_starts_the_same_again(
    limit: int, peak: int, growth: float, cap: int | None, declared: int
) -> None:
    found = size(Resources(memory_bytes=declared), [Past(OOM, limit, peak)], growth=growth, cap_bytes=cap)
    if found.stop is None:
        assert found.resources.memory_bytes > limit
        assert cap is None or found.resources.memory_bytes <= cap
    else:
        assert cap is not None
        assert cap <= limit


@given(growth=st.floats(1.01, 8), cap=st.integers(GIB, 1024 * GIB))
def test_it_reaches_the_cap_and_stops_there_after_finitely_many_attempts(growth: float, cap: int) -> None:
    past: list[Past] = []
    for _ in range(1000):
        found = size(DECLARED, past, growth=growth, cap_bytes=cap)
        if found.stop:
            break
        past.insert(0, Past(OOM, found.resources.memory_bytes, found.resources.memory_bytes))
    assert past[0].memory_limit_bytes == cap


LEARNED = "peaked at up to 3.0 GiB; declared are 1.0 GiB"


@pytest.mark.parametrize(
    ("successes", "cap", "expected", "reason"),
    [
        pytest.param([], None, GIB, "declared in @job", id="none is known"),
        pytest.param([Success(4 * GIB, 700 * MIB)], None, GIB, "declared in @job", id="less than is declared"),
        pytest.param(
            [Success(4 * GIB, 3 * GIB)],
            None,
            3840 * MIB,
            f"the last success of the job {LEARNED}",
            id="its peak and a quarter",
        ),
        pytest.param(
            [Success(2 * GIB, GIB), Success(4 * GIB, 3 * GIB)],
            None,
            3840 * MIB,
            f"the last 2 successes of the job {LEARNED}",
            id="the largest of the last",
        ),
        pytest.param(
            [Success(3 * GIB, 3 * GIB)],
            None,
            3 * GIB,
            f"the last success of the job {LEARNED}",
            id="never more than was enough",
        ),
        pytest.param(
            [Success(4 * GIB, 3 * GIB)],
            2 * GIB,
            2 * GIB,
            f"the last success of the job {LEARNED}",
            id="at most the plane's",
        ),
        pytest.param([Success(4 * GIB, 3 * GIB)], GIB, GIB, "declared in @job", id="where the plane has no more"),
    ],
)
def test_a_run_begins_with_what_the_jobs_last_successes_needed(
    successes: list[Success], cap: int | None, expected: int, reason: str
) -> None:
    found = size(DECLARED, [], growth=2, cap_bytes=cap, successes=successes)
    assert (found.resources.memory_bytes, found.reason, found.stop) == (expected, reason, None)


def test_a_run_that_grows_begins_no_lower_than_the_jobs_last_successes() -> None:
    found = size(DECLARED, [Past(OOM, GIB, GIB)], growth=2, cap_bytes=None, successes=[Success(8 * GIB, 6 * GIB)])
    assert found.resources.memory_bytes == 7680 * MIB


@given(st.lists(st.integers(1, 100), min_size=1, max_size=20))
def test_a_job_that_uses_all_that_it_is_given_does_not_grow_for_ever(shares: list[int]) -> None:
    limit, successes = 4 * GIB, [Success(4 * GIB, 4 * GIB)]
    for share in shares:
        given_bytes = size(DECLARED, [], growth=2, cap_bytes=None, successes=successes).resources.memory_bytes
        assert given_bytes <= limit
        successes = [Success(given_bytes, given_bytes * share // 100), *successes][:5]


def test_successes_are_remembered_once_one_needed_more_than_declared_and_only_the_last(tmp_path: Path) -> None:
    state = State(str(tmp_path))
    state.note_success("job", Success(GIB, GIB // 2), declared_bytes=GIB)
    assert state.successes("job") == []
    for number in range(7):
        state.note_success("job", Success(2 * GIB if number == 0 else GIB, number), declared_bytes=GIB)
    assert state.successes("job") == [Success(GIB, number) for number in (6, 5, 4, 3, 2)]
    assert state.successes("other") == []
    assert state.jobs() == [], "the note is no job"


def test_what_a_success_used_is_recorded_with_it(tmp_path: Path) -> None:
    state = State(str(tmp_path))
    given_bytes = 4 * CONTEXT.job.resources.memory_bytes
    grown = msgspec.structs.replace(CONTEXT, resources=Resources(memory_bytes=given_bytes))
    receipt = msgspec.structs.replace(RECEIPT, attempt=grown.attempt, status="succeeded")
    verdict = Verdict(category=Category.SUCCEEDED, summary="published")
    job, uid = grown.job.name, grown.attempt.uid
    state.folder.write(f"runs/{job}/{grown.run_key}/{uid}/receipt.json", encode(receipt))
    warnings: list[str] = []
    record(grown, WorkerExit(lambda _: verdict, None, b""), state, Clock(), warnings.append)
    assert warnings == []
    assert state.successes(job) == [Success(given_bytes, receipt.usage.memory_peak_bytes)]
