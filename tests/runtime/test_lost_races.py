"""A commit that lost its race: what came since is looked at, and only what may concern the run is decided anew.

Fifty runs that commit to one table at once lose hundreds of races; each used to open the table from its first entry again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.runtime.delta_tables import commit_of, publish
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.publish import delta
from polarpod.store import delta_rows

MINE = pl.DataFrame({"v": [1], "d": ["mine"]})
SEVEN = pl.DataFrame({"v": [7], "d": ["mine"]})
THEIRS = pl.DataFrame({"v": [2], "d": ["theirs"]})


class Race:
    """A table whose next commits each lose to a rival. Counts how often it is opened to decide."""

    def __init__(self, shop: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop, self.rivals = shop, list[Callable[[], object]]()
        self.opened = 0
        commit, open_output = delta._commit, delta.open_output

        def commit_after_a_rival(*args: Any) -> int:
            if self.rivals:
                self.rivals.pop()()
            return commit(*args)

        def counted(*args: Any) -> DeltaTable | None:
            self.opened += 1
            return open_output(*args)

        publish(commit_of(self.output(), job="first"), MINE.with_columns(d=pl.lit("first")))
        monkeypatch.setattr(delta, "_commit", commit_after_a_rival)
        monkeypatch.setattr(delta, "open_output", counted)

    def output(self, day: str = "first", **way: Any) -> Delta:
        return Delta(self.shop.at("t"), **(way or {"replace": {"d": day}}))

    def rows(self) -> list[tuple[Any, ...]]:
        return sorted(self.shop.read(self.shop.delta("t")).select("v", "d").rows())

    def another_run(self) -> None:
        opened = self.opened
        publish(commit_of(self.output("theirs"), job="rival"), THEIRS)
        self.opened = opened


@pytest.fixture
def race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Race:
    return Race(InProcess(tmp_path), monkeypatch)


@pytest.mark.parametrize(
    "way",
    [
        pytest.param({"replace": {"d": "mine"}}, id="replace"),
        pytest.param({"append": True, "partition_by": ["d"]}, id="append"),
    ],
)
def test_of_other_runs_only_the_entries_are_read(race: Race, way: dict[str, Any]) -> None:
    race.rivals = [race.another_run] * 3
    publish(commit_of(race.output(**way)), MINE)
    assert race.rows() == [(1, "first"), (1, "mine"), (2, "theirs")]
    assert race.opened == 1


def test_what_another_run_put_into_the_same_partition_is_replaced(race: Race) -> None:
    race.rivals = [lambda: publish(commit_of(race.output("mine"), job="rival"), SEVEN)]
    publish(commit_of(race.output("mine")), MINE)
    assert race.rows() == [(1, "first"), (1, "mine")]


def test_a_newer_attempt_of_the_same_run_supersedes(race: Race) -> None:
    race.rivals = [lambda: publish(commit_of(race.output("mine"), number=2), SEVEN)]
    with pytest.raises(PolarpodError) as caught:
        publish(commit_of(race.output("mine")), MINE)
    assert caught.value.verdict.category is Category.SUPERSEDED
    assert race.rows() == [(1, "first"), (7, "mine")]


def test_a_table_that_has_new_rules_since_is_asked_again(race: Race) -> None:
    race.rivals = [lambda: DeltaTable(race.shop.at("t")).alter.set_table_properties({"delta.appendOnly": "true"})]
    with pytest.raises(PolarpodError, match="is append-only"):
        publish(commit_of(race.output("mine")), MINE)
    assert race.rows() == [(1, "first")]


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(lambda at: THEIRS.write_delta(at, mode="append"), id="an append"),
        pytest.param(lambda at: DeltaTable(at).restore(0), id="a restore"),
        pytest.param(lambda at: DeltaTable(at).optimize.compact(), id="a compaction"),
    ],
)
def test_after_a_commit_of_no_run_everything_is_decided_anew(race: Race, stranger: Callable[[str], object]) -> None:
    publish(commit_of(race.output("first"), job="first", number=2), MINE.with_columns(d=pl.lit("first")))
    at = race.shop.at("t")
    MINE.with_columns(d=pl.lit("first")).write_delta(at, mode="append")
    race.opened, race.rivals = 0, [lambda: stranger(at)]
    publish(commit_of(race.output("mine")), MINE)
    assert race.opened == 2
    assert (1, "mine") in race.rows()


def test_an_append_that_was_restored_meanwhile_is_not_doubled(race: Race) -> None:
    append = commit_of(race.output(append=True, partition_by=["d"]))
    publish(append, MINE)
    DeltaTable(race.shop.at("t")).delete("d = 'mine'")
    race.rivals = [lambda: DeltaTable(race.shop.at("t")).restore(1)]
    with pytest.raises(PolarpodError) as caught:
        publish(commit_of(append.output, number=2, fingerprint="e" * 64), MINE)
    assert caught.value.verdict.category is Category.PUBLISH_REFUSED
    assert race.rows() == [(1, "first"), (1, "mine")]


def test_a_log_that_was_cleaned_up_meanwhile_is_opened_anew(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta_rows, "read", lambda folder, version: None)
    race.rivals = [race.another_run]
    publish(commit_of(race.output("mine")), MINE)
    assert race.opened == 2
    assert race.rows() == [(1, "first"), (1, "mine"), (2, "theirs")]
