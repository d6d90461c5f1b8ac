"""Two attempts of one run at the same time: whoever was thought dead comes back at the worst moment, and changes nothing.

Excluded: attempts of different runs, see test_one_table_many_runs.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kill.held import (
    COMMITTING,
    DECIDING,
    OUTPUTS,
    commits,
    deliver,
    expected,
    hold,
    let_go,
    published,
    resume,
    started_and_held,
    workshop_of,
)

from polarpod.contract.verdict import Category

every_output = pytest.mark.parametrize("output", OUTPUTS)


@every_output
@pytest.mark.parametrize("point", [DECIDING, COMMITTING])
def test_an_older_attempt_that_comes_back_is_superseded(output: str, point: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output)
    deliver(workshop, "d0", range(3))
    deliver(workshop, "d1", range(5))
    assert workshop.run("small", day="d0").verdict.succeeded
    hold(workshop, point)
    older = started_and_held(workshop, day="d1")
    let_go(workshop, point)
    newer = workshop.run("small", day="d1")
    assert newer.verdict.category is Category.SUCCEEDED
    standing = commits(workshop, output)

    resume(older)
    ran = older.end()
    assert ran.verdict.category is Category.SUPERSEDED
    assert ran.receipt is not None
    assert ran.receipt.published is None
    assert older.ended.end.code == ran.verdict.exit_code
    assert commits(workshop, output) == standing
    assert published(workshop, output).equals(expected(d0=range(3), d1=range(5)))
    # and the newer attempt's receipt stands
    assert workshop.run("small", day="d1").verdict.category is Category.SKIPPED


@every_output
def test_a_newer_attempt_adopts_what_the_older_one_publishes_meanwhile(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output)
    deliver(workshop, "d0", range(3))
    deliver(workshop, "d1", range(5))
    assert workshop.run("small", day="d0").verdict.succeeded
    hold(workshop, COMMITTING)
    older = started_and_held(workshop, day="d1")
    newer = started_and_held(workshop, day="d1")
    let_go(workshop, COMMITTING)
    resume(older)
    assert older.end().verdict.category is Category.SUCCEEDED
    standing = commits(workshop, output)

    resume(newer)
    receipt = newer.end().receipt
    assert receipt is not None
    assert receipt.verdict.category is Category.SUCCEEDED
    assert receipt.published is not None
    assert receipt.published.adopted_from == older.uid
    assert receipt.published.rows == 5
    assert commits(workshop, output) == standing
    assert published(workshop, output).equals(expected(d0=range(3), d1=range(5)))


@pytest.mark.parametrize("output", ["delta_append", "parquet_append"])
def test_a_second_append_with_other_rows_is_refused(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output)
    deliver(workshop, "d1", range(5))
    hold(workshop, DECIDING)
    older = started_and_held(workshop, day="d1")
    deliver(workshop, "d1", range(50, 59))
    newer = started_and_held(workshop, day="d1")
    let_go(workshop, DECIDING)
    resume(older)
    assert older.end().verdict.category is Category.SUCCEEDED
    resume(newer)
    assert newer.end().verdict.category is Category.PUBLISH_REFUSED
    assert published(workshop, output).equals(expected(d1=range(5)))


@pytest.mark.parametrize("output", [name for name in OUTPUTS if "append" not in name])
def test_a_newer_attempt_with_other_rows_publishes_over_the_older_one(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output)
    deliver(workshop, "d1", range(5))
    hold(workshop, COMMITTING)
    older = started_and_held(workshop, day="d1")
    deliver(workshop, "d1", range(50, 59))
    newer = started_and_held(workshop, day="d1")
    let_go(workshop, COMMITTING)
    resume(older)
    assert older.end().verdict.category is Category.SUCCEEDED
    resume(newer)
    assert newer.end().verdict.category is Category.SUCCEEDED
    assert published(workshop, output).equals(expected(d1=range(50, 59)))
