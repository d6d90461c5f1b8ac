"""The run loop's budgets: they cover planning, claiming, launching and recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.launch.kubernetes.attempts import CONTEXT
from tests.launch.loop import AWAY, DENIED, PLAN, Broken, Loop, ended, receipt_of

from polarpod.contract.context import Context
from polarpod.contract.verdict import Budget, Category, PolarpodError
from polarpod.launch.listener import Listener
from polarpod.launch.plan import Plan
from polarpod.launch.planes.plane import Capabilities
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.run import AttemptHandle, Clock, see_through
from polarpod.launch.state import State
from polarpod.launch.worker import Deferred, Unobservable, WorkerExit

UNREACHABLE = PolarpodError(Category.PLANE_UNREACHABLE, "no answer")


@pytest.mark.parametrize(
    "away",
    [
        pytest.param(AWAY, id="the store"),
        pytest.param(UNREACHABLE, id="the cluster"),
        pytest.param(PolarpodError(Category.DISK_FULL, "no space"), id="no space"),
    ],
)
def test_planning_that_meets_an_outage_is_done_again_on_the_platforms_budget(away: PolarpodError, tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path))
    ran = loop.run(ended(), plans=[away])
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 1)
    assert loop.pauses == [5.0]
    assert loop.verdicts == [(away.verdict.category, True), (Category.SUCCEEDED, False)]


def test_the_budget_is_one_for_planning_and_workers(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path))
    with pytest.raises(PolarpodError, match="the store is away"):
        loop.run(ended(Category.WORKER_LOST), plans=[AWAY, PLAN, AWAY, AWAY])
    assert loop.pauses == [5.0, 20.0]
    assert loop.recorded() == [Category.WORKER_LOST]


@pytest.mark.parametrize(
    "error", [pytest.param(DENIED, id="denied"), pytest.param(PolarpodError(Category.REQUEST_INVALID, "no"), id="invalid")]
)
def test_what_another_try_repeats_is_raised_at_once(error: PolarpodError, tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path))
    with pytest.raises(PolarpodError, match=error.verdict.summary):
        loop.run(plans=[error])
    assert loop.pauses == []


@pytest.mark.parametrize("call", [pytest.param("claim", id="the claim"), pytest.param("put_context", id="the context")])
def test_a_beginning_that_meets_an_outage_is_made_again(call: str, tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path, **{call: [AWAY]}))
    ran = loop.run(ended())
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 1)
    assert loop.recorded()[-1] is Category.SUCCEEDED


@pytest.mark.parametrize("outlives", [pytest.param(True, id="pods"), pytest.param(False, id="processes")])
def test_an_attempt_whose_context_was_written_although_no_answer_came_is_started(
    outlives: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AnswerLost(State):
        lost = 1

        def put_context(self, context: Context) -> tuple[str, bytes]:
            written = super().put_context(context)
            if self.lost:
                self.lost -= 1
                raise AWAY
            return written

    monkeypatch.setattr(
        ProcessPlane, "capabilities", Capabilities("worker", outlives_launcher=outlives, shares_folders=True)
    )
    state = AnswerLost(str(tmp_path))

    def plan() -> Plan:
        attempts = state.attempts(CONTEXT.job.name, CONTEXT.run_key)
        return PLAN._replace(unjudged=attempts[0] if attempts else None)

    loop = Loop(state)
    ran = loop.run(ended(), planned=plan)
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 1)
    assert loop.stops == [False], "it was started, and not attached to"
    assert loop.recorded() == [Category.SUCCEEDED], "no number was wasted"
    assert loop.pauses == [5.0]


def test_a_deferred_attempt_whose_context_cannot_be_read_is_taken_up_again(tmp_path: Path) -> None:
    script = [AWAY]
    state = Broken(tmp_path)
    state.claim(CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid)

    def take_up() -> AttemptHandle:
        if script:
            raise script.pop()
        return AttemptHandle(CONTEXT, None, "", orphaned=True)

    loop = Loop(state)
    spent = {Budget.PLATFORM: 1}
    ran = loop.run(ended(), take_up=take_up, attempts=2, spent=spent)
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 2)
    assert spent == {Budget.PLATFORM: 2}


def test_attempts_are_workers_and_not_retries(tmp_path: Path) -> None:
    ran = Loop(Broken(tmp_path)).run(ended(Category.OUT_OF_MEMORY), ended(Category.EVICTED), ended(), plans=[AWAY])
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 3)


def test_an_attempt_that_cannot_be_looked_at_gets_no_verdict(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path))
    loop.run(Unobservable(UNREACHABLE), ended())
    assert loop.recorded() == [None, Category.SUCCEEDED]


def test_nothing_is_started_after_a_stop_that_came_in_a_pause(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path))
    loop.listener = loop.listener._replace(stop=lambda: bool(loop.pauses))
    assert loop.run(ended(Category.EVICTED)).verdict.category is Category.EVICTED
    assert loop.recorded() == [Category.EVICTED]


def test_a_receipt_that_cannot_be_looked_for_is_looked_for_again(tmp_path: Path) -> None:
    state = Broken(tmp_path, receipt=[AWAY] * 60)
    loop = Loop(state)
    ran = loop.run(ended())
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 1)
    assert loop.pauses == [1.0] * 59 + [5.0]


def test_a_failure_that_cannot_be_recorded_is_recorded_before_the_next_attempt(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path, put_record=[AWAY] * 60))
    ran = loop.run(ended(Category.OUT_OF_MEMORY), ended())
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 2)
    assert loop.recorded() == [Category.OUT_OF_MEMORY, Category.SUCCEEDED]


def test_a_failure_that_can_never_be_recorded_is_told_as_it_was(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path, put_record=[AWAY] * 180))
    ran = loop.run(ended(Category.JOB_FAILED))
    assert ran.verdict.category is Category.JOB_FAILED
    assert [text.splitlines()[0] for text in loop.warnings] == [
        "the verdict of attempt 1 could not be recorded: storage_unavailable: the store is away"
    ] * 3


def test_evidence_is_let_go_of_after_the_record_and_never_without_one(tmp_path: Path) -> None:
    state = Broken(tmp_path, put_record=[])
    released: list[list[str]] = []
    loop = Loop(state)
    loop.run(ended(release=lambda: released.append(list(state.calls))))
    assert released == [["put_record"]]
    lost = Loop(Broken(tmp_path / "other", put_record=[DENIED]))
    assert lost.run(ended(release=lambda: released.append([]))).verdict.category is Category.SUCCEEDED
    assert len(released) == 1


def test_an_attempt_that_is_in_the_way_is_recorded_and_another_is_made(tmp_path: Path) -> None:
    state = Broken(tmp_path)
    state.claim(CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid)
    loop = Loop(state)
    older = AttemptHandle(CONTEXT, None, "", orphaned=True, outdated=True)
    ran = loop.run(ended(Category.INTERRUPTED), ended(), take_up=lambda: older, attempts=1)
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 2)
    assert loop.recorded() == [Category.INTERRUPTED, Category.SUCCEEDED]
    assert loop.pauses == [], "it spends no budget of the run's"
    assert loop.stops == [True, False], "what is ours and in the way is asked to stop"


def in_the_way(*, orphaned: bool = True) -> AttemptHandle:
    return AttemptHandle(CONTEXT, None, "", orphaned=orphaned, outdated=True)


def claimed(state: Broken) -> Broken:
    state.claim(CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid)
    return state


def test_an_attempt_that_is_in_the_way_is_recorded_before_another_is_made(tmp_path: Path) -> None:
    loop = Loop(claimed(Broken(tmp_path, put_record=[AWAY] * 60)))
    ran = loop.run(ended(Category.JOB_FAILED), ended(), take_up=in_the_way, attempts=1)
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 2)
    assert loop.recorded() == [Category.JOB_FAILED, Category.SUCCEEDED]


def test_after_an_attempt_that_is_in_the_way_nothing_is_started_where_a_stop_was_asked_for(tmp_path: Path) -> None:
    loop = Loop(claimed(Broken(tmp_path)))
    loop.listener = loop.listener._replace(stop=lambda: bool(loop.recorded()[0]))
    assert loop.run(ended(Category.JOB_FAILED), take_up=in_the_way, attempts=1).verdict.category is Category.JOB_FAILED
    assert loop.recorded() == [Category.JOB_FAILED]


@pytest.mark.parametrize("orphaned", [pytest.param(True, id="its own"), pytest.param(False, id="another's")])
def test_only_an_attempt_of_its_own_that_is_in_the_way_is_ended(orphaned: bool, tmp_path: Path) -> None:
    loop = Loop(claimed(Broken(tmp_path)))
    loop.run(ended(Category.JOB_FAILED), ended(), take_up=lambda: in_the_way(orphaned=orphaned), attempts=1)
    assert loop.stops == [orphaned, False]
    assert loop.attached == [orphaned]


def test_an_attempt_of_its_own_that_is_not_in_the_way_is_not_ended(tmp_path: Path) -> None:
    loop = Loop(claimed(Broken(tmp_path)))
    loop.run(ended(), take_up=lambda: in_the_way()._replace(outdated=False), attempts=1)
    assert loop.stops == [False]


def test_an_attempt_that_it_started_and_lost_sight_of_is_attached_to_as_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessPlane, "capabilities", Capabilities("worker", outlives_launcher=True, shares_folders=True))
    state = Broken(tmp_path)

    def plan() -> Plan:
        attempts = state.attempts(CONTEXT.job.name, CONTEXT.run_key)
        return PLAN._replace(unjudged=attempts[0] if attempts else None)

    loop = Loop(state)
    assert loop.run(Unobservable(UNREACHABLE), ended(), planned=plan).verdict.category is Category.SUCCEEDED
    assert loop.attached == [True]
    assert loop.recorded() == [Category.SUCCEEDED]


def test_an_attempt_that_cannot_be_looked_for_is_never_judged(tmp_path: Path) -> None:
    loop = Loop(claimed(Broken(tmp_path)))
    ran = loop.run(UNREACHABLE, ended(), take_up=lambda: AttemptHandle(CONTEXT, None, ""), attempts=1)
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 2)
    assert loop.recorded() == [None, Category.SUCCEEDED]


def test_a_success_that_cannot_be_recorded_is_a_success_at_once(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path, put_record=[AWAY] * 60))
    ran = loop.run(ended())
    assert ran.verdict.category is Category.SUCCEEDED
    assert ran.unrecorded is not None
    assert loop.verdicts == [(Category.SUCCEEDED, False)]
    assert loop.pauses == [1.0] * 59


@pytest.mark.parametrize("outdated", [pytest.param(True, id="in the way"), pytest.param(False, id="as asked for")])
def test_who_takes_a_run_over_is_told_what_it_is(outdated: bool, tmp_path: Path) -> None:
    loop = Loop(claimed(Broken(tmp_path)))
    with pytest.raises(Deferred) as caught:
        loop.run(
            Deferred(CONTEXT, "a pod", owned=False),
            take_up=lambda: in_the_way()._replace(outdated=outdated),
            attempts=2,
        )
    assert (caught.value.outdated, caught.value.attempts, caught.value.owned) == (outdated, 2, False)
    assert loop.recorded() == [None]


def test_a_launcher_that_is_interrupted_records_a_receipt_that_is_there(tmp_path: Path) -> None:
    class Interrupted(BaseException):
        """A timeout in the launcher's process."""

    state = claimed(Broken(tmp_path))
    state.receipt = lambda *_: receipt_of(CONTEXT, Category.INTERRUPTED)  # type: ignore[method-assign]  # as its worker left it

    class Workers:
        def attach(self, *_: object, **__: object) -> WorkerExit:
            raise Interrupted

    with pytest.raises(Interrupted):
        see_through(AttemptHandle(CONTEXT, None, ""), Workers(), state, Listener(), Clock())
    assert Loop(state).recorded() == [Category.INTERRUPTED]


def test_who_was_asked_to_stop_promises_no_other_attempt(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path))
    loop.listener = loop.listener._replace(stop=lambda: True)
    loop.run(ended(Category.EVICTED))
    assert loop.verdicts == [(Category.EVICTED, False)]
    assert loop.pauses == []


@pytest.mark.parametrize("damage", [pytest.param(None, id="gone"), pytest.param(b"{", id="damaged")])
def test_an_attempt_that_cannot_be_taken_up_for_its_context_gives_way_to_another(
    damage: bytes | None, tmp_path: Path
) -> None:
    state = Broken(tmp_path)
    loop, (job, key, uid) = Loop(state), (CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid)
    state.claim(job, key, uid)
    if damage:
        state.folder.write(f"runs/{job}/{key}/{uid}/context.json", damage)
    asked = []

    def take_up() -> AttemptHandle:
        asked.append(uid)
        return AttemptHandle(state.context(job, key, uid), None, "")

    ran = loop.run(ended(), take_up=take_up, attempts=1)
    assert (ran.verdict.category, ran.attempts, len(asked)) == (Category.SUCCEEDED, 2, 1)
