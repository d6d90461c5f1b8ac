"""A run that has an attempt without a verdict: whether it is attached to, ended, or waited for before another begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.launch.kubernetes.attempts import CONTEXT as GOLDEN
from tests.launch.kubernetes.attempts import plane

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Context
from polarpod.contract.dataset import Delta
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.memory_sizing import Size
from polarpod.launch.plan import Plan
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.run import AttemptHandle, Clock, RunOptions, begin
from polarpod.launch.state import State
from polarpod.store.fence import Standing

CONTEXT = msgspec.structs.replace(GOLDEN, fingerprint="f")


def plan_of(unjudged: Context | None, **changes: Any) -> Plan:
    info = unjudged and AttemptInfo(
        CONTEXT.job.name, CONTEXT.run_key, unjudged.attempt.number, unjudged.attempt.uid, unjudged, None, None
    )
    plan = Plan(
        job=CONTEXT.job,
        params=CONTEXT.params,
        run_key=CONTEXT.run_key,
        code_version=CONTEXT.code_version,
        plane=CONTEXT.plane,
        listings={},
        pins={},
        fingerprint="f",
        standing=Standing(None, same=False),
        size=Size(CONTEXT.resources, "as declared"),
        unjudged=info or None,
    )
    return plan._replace(**changes)


def begun(plan: Plan, tmp_path: Path, *, asked: RunOptions | None = None, on: Plane | None = None) -> AttemptHandle:
    clock = Clock(now=lambda: CONTEXT.created_at, new_uid=lambda: "c" * 32)
    return begin(plan, on or plane(), State(str(tmp_path / "state")), asked or RunOptions(labels=CONTEXT.labels), clock)


def test_what_may_still_run_is_attached_to_and_not_started_again(tmp_path: Path) -> None:
    found = begun(plan_of(CONTEXT), tmp_path)
    assert (found.context, found.data) == (CONTEXT, None)
    assert found.reason == "attempt 3 was started before and has no verdict yet"


@pytest.mark.parametrize(
    ("plan", "asked", "differs"),
    [
        pytest.param(
            plan_of(CONTEXT, fingerprint="g"), RunOptions(), "with other files of its inputs", id="an input has moved"
        ),
        pytest.param(
            plan_of(CONTEXT, fingerprint="g", dependencies={"code": "2"}),
            RunOptions(),
            "with other code or another environment",
            id="the code has changed",
        ),
        pytest.param(
            plan_of(CONTEXT, fingerprint="g", job=msgspec.structs.replace(CONTEXT.job, output=Delta("s3://example/other"))),
            RunOptions(),
            "with another declaration of the job",
            id="the output has moved",
        ),
        pytest.param(plan_of(CONTEXT), RunOptions(force=True), "without --force", id="it was not forced, and this is"),
        pytest.param(
            plan_of(msgspec.structs.replace(CONTEXT, fingerprint=None), pins={"airports": 7}),
            RunOptions(),
            "with other files of its inputs",
            id="a table has moved, and an older release started it",
        ),
    ],
)
@pytest.mark.parametrize("ours", [pytest.param(True, id="ours"), pytest.param(False, id="another's")])
def test_what_would_publish_something_else_has_to_be_over_first(
    plan: Plan, asked: RunOptions, differs: str, ours: bool, tmp_path: Path
) -> None:
    found = begun(plan, tmp_path, asked=asked._replace(labels=CONTEXT.labels if ours else {}))
    assert (found.data, found.orphaned, found.outdated) == (None, ours, True)
    first = "ended" if ours else "waited for"
    assert found.reason == f"attempt 3 was started before and has no verdict yet; it runs {differs}, so it is {first} first"


@pytest.mark.parametrize(
    ("plan", "asked"),
    [
        pytest.param(plan_of(CONTEXT, pins={"airports": 7}), RunOptions(), id="a commit to another partition of an input"),
        pytest.param(plan_of(CONTEXT, code_version="0" * 32), RunOptions(), id="a comment in the code"),
        pytest.param(
            plan_of(msgspec.structs.replace(CONTEXT, force=True)), RunOptions(), id="it was forced, and this is not"
        ),
        pytest.param(plan_of(msgspec.structs.replace(CONTEXT, force=True)), RunOptions(force=True), id="both are forced"),
        pytest.param(
            plan_of(msgspec.structs.replace(CONTEXT, fingerprint=None)), RunOptions(), id="an older release started the same"
        ),
    ],
)
def test_what_would_publish_the_same_rows_is_attached_to(plan: Plan, asked: RunOptions, tmp_path: Path) -> None:
    found = begun(plan, tmp_path, asked=asked)
    assert (found.context.attempt, found.data, found.outdated) == (CONTEXT.attempt, None, False)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(plan_of(None), id="every attempt has its verdict"),
        pytest.param(plan_of(CONTEXT, plane="another"), id="it runs on another plane, where nobody here can look"),
    ],
)
def test_where_nothing_can_be_attached_to_another_is_started(plan: Plan, tmp_path: Path) -> None:
    found = begun(plan, tmp_path)
    assert found.data is not None
    assert found.context.attempt == Attempt(number=1, uid="c" * 32)
    assert found.context.fingerprint == "f"


def test_an_attempt_of_this_very_launcher_is_its_own(tmp_path: Path) -> None:
    nameless = msgspec.structs.replace(CONTEXT, labels={})
    made = begin(plan_of(nameless), plane(), State(str(tmp_path)), RunOptions(), Clock(), started={CONTEXT.attempt.uid})
    assert made.orphaned


@pytest.mark.parametrize(
    ("plan", "again"),
    [
        pytest.param(plan_of(CONTEXT), True, id="as it was"),
        pytest.param(plan_of(CONTEXT, fingerprint="g"), False, id="with other files of its inputs"),
        pytest.param(
            plan_of(CONTEXT, size=Size(msgspec.structs.replace(CONTEXT.resources, cpu=1), "")), False, id="of another size"
        ),
    ],
)
def test_an_attempt_that_was_only_written_down_is_started_where_nothing_has_changed(
    plan: Plan, again: bool, tmp_path: Path
) -> None:
    state = State(str(tmp_path))
    on = ProcessPlane(state=state.folder.uri, scratch=str(tmp_path))
    made = begin(plan, on, state, RunOptions(), Clock(), prepared={CONTEXT.attempt.uid})
    assert made.data is not None
    assert (made.context == CONTEXT) is again
    assert (encode(made.context) == made.data) is True


def test_a_worker_that_ends_with_its_launcher_is_not_attached_to(tmp_path: Path) -> None:
    assert begun(plan_of(CONTEXT), tmp_path, on=ProcessPlane(state="s3://example/state")).data is not None


@pytest.mark.parametrize(
    ("started_by", "asked_by", "orphaned"),
    [
        pytest.param({"airflow.task_id": "a", "airflow.try_number": "1"}, {"airflow.try_number": "2"}, False, id="another"),
        pytest.param(
            {"airflow.task_id": "a", "airflow.try_number": "1"},
            {"airflow.task_id": "a", "airflow.try_number": "2"},
            True,
            id="the same task, in its next try",
        ),
        pytest.param({}, {}, False, id="two of whom nothing is known"),
    ],
)
def test_a_launcher_is_only_known_to_be_dead_by_its_own_successor(
    started_by: dict[str, str], asked_by: dict[str, str], orphaned: bool, tmp_path: Path
) -> None:
    running = msgspec.structs.replace(CONTEXT, labels=started_by)
    assert begun(plan_of(running), tmp_path, asked=RunOptions(labels=asked_by)).orphaned is orphaned
