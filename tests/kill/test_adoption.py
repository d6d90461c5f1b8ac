"""A worker that dies right after its commit: the rows stand, nobody was told, and the next attempt finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kill.held import (
    COMMITTED,
    OUTPUTS,
    commits,
    deliver,
    expected,
    hold,
    let_go,
    published,
    started_and_held,
    workshop_of,
)
from tests.kill.readers import manifested
from tests.support.workshop import Workshop

from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category


def orphaned(workshop: Workshop, victim: str) -> str:
    """Kills an attempt between commit and receipt; returns its uid."""
    hold(workshop, COMMITTED)
    dead = started_and_held(workshop, day="d1")
    assert dead.kill(victim)
    let_go(workshop, COMMITTED)
    assert dead.end().verdict.category is Category.WORKER_LOST
    # told by the supervisor where it lived, by nobody where it did not
    assert (dead.receipt is not None) == (victim == "child")
    return dead.uid


@pytest.mark.parametrize(
    ("output", "victim"), [*((name, "group") for name in OUTPUTS), ("delta_append", "child"), ("parquet_replace", "child")]
)
def test_the_next_attempt_adopts_the_commit_it_finds(output: str, victim: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output)
    deliver(workshop, "d1", range(5))
    uid = orphaned(workshop, victim)
    standing = commits(workshop, output)

    receipt = receipt_of(workshop)
    assert receipt.published is not None
    assert receipt.published.adopted_from == uid
    assert receipt.published.rows == 5
    assert receipt.published.files >= 1
    assert receipt.attempt.number == 2
    assert commits(workshop, output) == standing
    assert published(workshop, output).equals(expected(d1=range(5)))
    assert workshop.run("small", day="d1").verdict.category is Category.SKIPPED


@pytest.mark.parametrize("output", ["delta_append", "delta_merge", "parquet_replace"])
def test_an_adopted_commit_still_tells_what_was_checked(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output, checks='Check(Small, quarantine="{lake}/bad", max_bad_share=1)')
    deliver(workshop, "d1", range(98, 105))
    uid = orphaned(workshop, "group")
    receipt = receipt_of(workshop)
    assert receipt.checks is not None
    assert (receipt.checks.rows_checked, receipt.checks.rows_failed) == (7, 4)
    assert receipt.checks.rules == {"value|max": 4}
    assert receipt.checks.quarantine_uri == f"{workshop.lake}/bad"
    assert receipt.published is not None
    assert receipt.published.adopted_from == uid
    assert receipt.published.rows == 3
    assert manifested(workshop, "bad")["value"].sort().to_list() == [101, 102, 103, 104]


@pytest.mark.parametrize("output", ["delta_append", "parquet_append"])
def test_the_commit_of_another_job_is_not_taken_for_ones_own(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output, jobs=("small", "other"))
    deliver(workshop, "d1", range(5))
    uid = orphaned(workshop, "group")
    # same parameters, so the same run key, and the same attempt number
    assert workshop.run("other", day="d1").verdict.category is Category.SUCCEEDED
    receipt = receipt_of(workshop)
    assert receipt.published is not None
    assert receipt.published.adopted_from == uid


def test_a_commit_of_other_rows_is_replaced_and_not_adopted(tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, "delta_replace")
    deliver(workshop, "d1", range(5))
    orphaned(workshop, "group")
    deliver(workshop, "d1", range(9))
    receipt = receipt_of(workshop)
    assert receipt.published is not None
    assert receipt.published.adopted_from is None
    assert published(workshop, "delta_replace").equals(expected(d1=range(9)))


def test_an_orphaned_append_of_other_rows_is_not_appended_to(tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, "delta_append")
    deliver(workshop, "d1", range(5))
    orphaned(workshop, "group")
    deliver(workshop, "d1", range(9))
    assert workshop.run("small", day="d1").verdict.category is Category.PUBLISH_REFUSED
    assert published(workshop, "delta_append").equals(expected(d1=range(5)))


def receipt_of(workshop: Workshop) -> Receipt:
    ran = workshop.run("small", day="d1")
    assert ran.verdict.category is Category.SUCCEEDED, ran.verdict.text()
    assert ran.receipt is not None
    return ran.receipt
