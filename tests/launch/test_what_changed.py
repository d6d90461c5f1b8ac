"""What a plan says has changed since the attempt whose rows stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from tests.contract.samples import CONTEXT, RECEIPT

from polarpod.contract.codec import encode
from polarpod.contract.context import Context
from polarpod.launch.attempt_records import StandingNote
from polarpod.launch.code_dependencies import dependencies_of
from polarpod.launch.memory_sizing import Size
from polarpod.launch.plan import Plan
from polarpod.launch.rerun_reasons import changes, changes_since_standing
from polarpod.launch.state import State
from polarpod.store.fence import Standing

BEFORE = {"module daily": "a", "library polars": "2.1.0", "variable MODE": "x"}


def planned(after: Mapping[str, str], code_version: str = CONTEXT.code_version) -> Plan:
    return Plan(
        job=CONTEXT.job,
        params=CONTEXT.params,
        run_key=CONTEXT.run_key,
        code_version=code_version,
        plane=CONTEXT.plane,
        listings={},
        pins={},
        fingerprint="f",
        standing=Standing(None, same=False),
        size=Size(CONTEXT.resources, "as declared"),
        dependencies=after,
    )


def told(before: dict[str, str], after: dict[str, str], *, code_version: str = CONTEXT.code_version) -> list[str]:
    context: Context = msgspec.structs.replace(CONTEXT, dependencies=before)
    return changes(planned(after, code_version), context, RECEIPT)


def test_nothing_is_said_where_nothing_differs() -> None:
    assert told(BEFORE, BEFORE) == []
    assert told(BEFORE, BEFORE, code_version="other") == [], "the whole code decides nothing where the job's is known"


@pytest.mark.parametrize(
    ("after", "line"),
    [
        pytest.param(BEFORE | {"module daily": "b"}, "module daily has changed", id="a module"),
        pytest.param(BEFORE | {"file query.sql": "b"}, "file query.sql is new", id="a new file"),
        pytest.param(
            {k: v for k, v in BEFORE.items() if "MODE" not in k}, "variable MODE is gone", id="a variable that went"
        ),
        pytest.param(BEFORE | {"library polars": "2.1.1"}, "library polars has changed: 2.1.0 to 2.1.1", id="a library"),
    ],
)
def test_each_dependency_that_differs_is_named(after: dict[str, str], line: str) -> None:
    assert told(BEFORE, after) == [line]


def test_the_whole_code_counts_where_the_jobs_dependencies_are_not_known() -> None:
    assert told({}, {}, code_version="other") == ["the code has changed"]
    assert told({}, BEFORE, code_version="other") == ["the code has changed"]


def test_a_planes_variables_are_dependencies_by_digest_and_those_of_the_store_are_none() -> None:
    found = dependencies_of({"module m": "a"}, {"MODE": "blue", "AWS_REGION": "eu-west-2"})
    assert set(found) == {"module m", "variable MODE"}
    assert "blue" not in found.values()
    assert found != dependencies_of({"module m": "a"}, {"MODE": "green"})
    assert dependencies_of({}, {"MODE": "blue"}) == {}


@pytest.mark.parametrize(
    ("standing", "note", "receipt", "words"),
    [
        pytest.param(Standing(2, same=True), True, False, "the receipt to answer with is not there", id="no receipt"),
        pytest.param(Standing(2, same=True), False, True, "the note that tells which attempt's", id="no note"),
        pytest.param(Standing(None, same=False), True, True, "its output has no Delta table any more", id="no table"),
        pytest.param(Standing(2, False, undone=True), True, True, "not in the table any more", id="taken out"),
        pytest.param(Standing(2, False, partial=True), True, True, "not in the table any more", id="partly taken out"),
        pytest.param(Standing(None, same=False), False, False, None, id="never run"),
    ],
)
def test_where_nothing_has_changed_it_is_said_what_is_missing(
    standing: Standing, note: bool, receipt: bool, words: str | None, tmp_path: Path
) -> None:
    state, job, key, uid = State(str(tmp_path)), CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid
    state.put_context(CONTEXT)
    if note:
        state.put_standing(job, key, StandingNote(number=2, uid=uid, fingerprint="f"))
    if receipt:
        state.folder.write(f"runs/{job}/{key}/{uid}/receipt.json", encode(RECEIPT))
    plan = planned(CONTEXT.dependencies)._replace(standing=standing)
    found = changes_since_standing(plan, state)
    assert len(found) == (words is not None)
    assert not words or words in found[0]
