"""Different runs, and strangers, that write to one table at the same moment: everyone lands, nobody's rows are lost.

Each is held between having read the table and committing to it, so that all but the first commit lose their race.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.kill.held import (
    COMMITTING,
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
from tests.kill.readers import manifested

from polarpod.contract.receipt import Published
from polarpod.contract.verdict import Category

DAYS = [f"d{number}" for number in range(1, 9)]
every_output = pytest.mark.parametrize("output", OUTPUTS)


@pytest.mark.parametrize(
    ("output", "fresh"),
    [("delta_replace", True), ("delta_replace", False), ("delta_merge", False), ("parquet_append", True)],
    ids=["replace in no table yet", "replace in a table", "merge", "parquet"],
)
def test_eight_days_at_once_all_land(output: str, fresh: bool, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output)
    rows = {day: range(number, 2 * number) for number, day in enumerate(DAYS, start=1)}
    for day, values in rows.items():
        deliver(workshop, day, values)
    if not fresh:
        rows["d0"] = range(3)
        deliver(workshop, "d0", rows["d0"])
        assert workshop.run("small", day="d0").verdict.succeeded
    hold(workshop, COMMITTING)
    runs = [started_and_held(workshop, day=day) for day in DAYS]
    let_go(workshop, COMMITTING)
    for live in runs:
        resume(live)
    receipts = [live.end().receipt for live in runs]
    versions = [receipt.published.version for receipt in receipts if receipt and receipt.published]
    assert len(set(versions)) == len(DAYS)
    assert published(workshop, output).equals(expected(**dict(sorted(rows.items()))))


@pytest.mark.parametrize("output", ["delta_replace", "delta_predicate", "parquet_replace"])
def test_the_later_of_two_jobs_replaces_what_the_former_put_into_an_empty_partition(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output, jobs=("one", "two"))
    deliver(workshop, "d0", range(3))
    deliver(workshop, "d1", range(5))
    assert workshop.run("one", day="d0").verdict.succeeded
    hold(workshop, COMMITTING)
    one, two = (started_and_held(workshop, name, day="d1") for name in ("one", "two"))
    let_go(workshop, COMMITTING)
    resume(one)
    resume(two)
    first, second = _published(one.end().receipt), _published(two.end().receipt)
    assert abs(first.version - second.version) == 1
    assert first.adopted_from is second.adopted_from is None
    assert published(workshop, output).equals(expected(d0=range(3), d1=range(5)))


@pytest.mark.parametrize("output", ["delta_append", "parquet_append"])
def test_two_jobs_with_the_same_parameters_are_two_runs(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output, jobs=("one", "two"))
    deliver(workshop, "d1", range(5))
    for name in ("one", "two"):
        receipt = workshop.run(name, day="d1").receipt
        assert _published(receipt).adopted_from is None
    assert published(workshop, output)["id"].to_list() == sorted([*range(5), *range(5)])
    assert workshop.run("one", day="d1").verdict.category is Category.SKIPPED


def test_two_jobs_that_share_a_quarantine_keep_each_their_bad_rows(tmp_path: Path) -> None:
    checks = 'Check(Small, quarantine="{lake}/bad", max_bad_share=1)'
    workshop = workshop_of(tmp_path, "delta_append", jobs=("one", "two"), checks=checks)
    deliver(workshop, "d1", range(99, 104))
    for name in ("one", "two"):
        receipt = workshop.run(name, day="d1").receipt
        assert receipt is not None
        assert receipt.checks is not None
        assert receipt.checks.rows_failed == 3
    assert sorted(manifested(workshop, "bad")["value"]) == [101, 101, 102, 102, 103, 103]


@pytest.mark.parametrize("output", [name for name in OUTPUTS if name.startswith("delta")])
def test_a_stranger_who_appends_meanwhile_loses_nothing(output: str, tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, output)
    deliver(workshop, "d0", range(3))
    deliver(workshop, "d1", range(5))
    assert workshop.run("small", day="d0").verdict.succeeded
    before = commits(workshop, output)
    hold(workshop, COMMITTING)
    live = started_and_held(workshop, day="d1")
    let_go(workshop, COMMITTING)
    strange = expected(d2=range(7)).select("id", "value", "day")
    strange.write_delta(f"{workshop.lake}/out", mode="append")
    resume(live)
    assert _published(live.end().receipt).version == before + 1
    assert published(workshop, output).equals(expected(d0=range(3), d1=range(5), d2=range(7)))


def test_a_stranger_who_writes_into_the_partition_a_run_owns_is_replaced_when_he_came_first(tmp_path: Path) -> None:
    workshop = workshop_of(tmp_path, "delta_replace")
    deliver(workshop, "d1", range(5))
    assert workshop.run("small", day="d1").verdict.succeeded
    deliver(workshop, "d1", range(6))
    hold(workshop, COMMITTING)
    live = started_and_held(workshop, day="d1")
    let_go(workshop, COMMITTING)
    pl.DataFrame({"id": [99], "value": [99], "day": ["d1"]}).write_delta(f"{workshop.lake}/out", mode="append")
    resume(live)
    assert live.end().verdict.category is Category.SUCCEEDED
    assert published(workshop, "delta_replace").equals(expected(d1=range(6)))


def _published(receipt: object) -> Published:
    found = getattr(receipt, "published", None)
    assert isinstance(found, Published), receipt
    return found
