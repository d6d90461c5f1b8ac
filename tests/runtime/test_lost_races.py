"""A commit that lost its race: what came since is looked at, and only what may concern the run is decided anew.

Fifty runs that commit to one table at once lose hundreds of races; each used to open the table from its first entry again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.runtime.delta_tables import commit_of, publish, write_log
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.delta import base_version as delta_base
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store import delta_rows

MINE = pl.DataFrame({"v": [1], "d": ["mine"]})
SEVEN = pl.DataFrame({"v": [7], "d": ["mine"]})
THEIRS = pl.DataFrame({"v": [2], "d": ["theirs"]})


class Race:
    """A table whose next commits each lose to a rival. Counts how often it is opened to decide."""

    def __init__(self, shop: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop, self.rivals = shop, list[Callable[[], object]]()
        # what happens between a lost race and the next try
        self.meanwhile: Callable[[], object] = lambda: None
        self.opened = 0
        commit, open_output, still_decided = delta.commit_entry, delta_base.open_output, delta.still_decided

        def after_a_while(*args: Any) -> Any:
            self.meanwhile()
            return still_decided(*args)

        def commit_after_a_rival(*args: Any) -> int:
            if self.rivals:
                self.rivals.pop()()
            return commit(*args)

        def counted(*args: Any) -> DeltaTable | None:
            self.opened += 1
            return open_output(*args)

        publish(commit_of(self.output(), job="first"), MINE.with_columns(d=pl.lit("first")))
        monkeypatch.setattr(delta, "commit_entry", commit_after_a_rival)
        monkeypatch.setattr(delta_base, "open_output", counted)
        monkeypatch.setattr(delta, "still_decided", after_a_while)

    def output(self, day: str = "first", **way: Any) -> Delta:
        return Delta(self.shop.at("t"), **(way or {"replace": {"d": day}}))

    def stage(self, commit: Commit, frame: pl.DataFrame) -> list[StagedFile]:
        """The files that a worker has written and not yet committed."""
        staged: list[list[StagedFile]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delta, "publish", lambda _commit, files, *_: (staged.append(files),))
            publish(commit, frame)
        return staged[0]

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


def log_of(race: Race) -> list[str]:
    return sorted(path.name for path in Path(race.shop.at("t"), "_delta_log").glob("*.json"))


def drop(race: Race) -> None:
    """The log goes; the run's staged files are left."""
    shutil.rmtree(Path(race.shop.at("t"), "_delta_log"))


@pytest.mark.parametrize("versions", range(5))
def test_a_table_that_was_dropped_and_made_again_meanwhile_is_decided_anew(race: Race, versions: int) -> None:
    def another_table() -> None:
        drop(race)
        race.rivals, opened = [], race.opened
        for number in range(versions):
            publish(commit_of(race.output("theirs", append=True, partition_by=["d"]), job=f"rival{number}"), THEIRS)
        race.opened = opened

    race.rivals, race.meanwhile = [race.another_run], another_table
    publish(commit_of(race.output("mine")), MINE)
    assert race.opened == 2
    assert race.rows() == [(1, "mine"), *[(2, "theirs")] * versions]
    assert log_of(race) == [f"{number:020d}.json" for number in range(versions + 1)]


@pytest.mark.parametrize("others", range(4))
def test_a_newer_attempt_in_a_table_that_was_made_again_supersedes(race: Race, others: int) -> None:
    append: dict[str, Any] = {"append": True, "partition_by": ["d"]}

    def another_table() -> None:
        drop(race)
        race.rivals = []
        publish(commit_of(race.output(**append), number=2), MINE)
        for number in range(others):
            publish(commit_of(race.output(**append), job=f"rival{number}"), THEIRS)

    race.rivals, race.meanwhile = [race.another_run], another_table
    with pytest.raises(PolarpodError) as caught:
        publish(commit_of(race.output(**append)), MINE)
    assert caught.value.verdict.category is Category.SUPERSEDED
    assert race.rows() == [(1, "mine"), *[(2, "theirs")] * others]


@pytest.mark.parametrize("raced", [False, True], ids=["before the commit", "while it loses a race"])
@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda table: table.alter.add_constraint({"small": "v < 9"}), id="a constraint"),
        pytest.param(
            lambda table: write_log(
                table.table_uri.removeprefix("file://"),
                metadata_not_null(table),
                {"commitInfo": {"operation": "CHANGE COLUMN"}},
                version=table.version() + 1,
            ),
            id="not null",
        ),
    ],
)
def test_rows_that_were_not_held_to_a_rule_of_the_table_are_not_published(
    race: Race, alter: Callable[[DeltaTable], object], *, raced: bool
) -> None:
    commit = commit_of(race.output("mine"))
    rules, _ = delta.check_columns(commit, MINE.clear())
    commit = commit._replace(held=frozenset(rules.names))

    def change() -> None:
        alter(DeltaTable(race.shop.at("t")))

    if raced:
        race.rivals = [change]
    else:
        change()
    with pytest.raises(PolarpodError) as caught:
        publish(commit, MINE)
    verdict = caught.value.verdict
    assert verdict.category is Category.PUBLISH_CONFLICT
    assert "has rules that it did not have when the rows were made" in verdict.summary
    assert race.rows() == [(1, "first")]


def metadata_not_null(table: DeltaTable) -> dict[str, Any]:
    """The table's metadata with its columns made NOT NULL, as another engine's ALTER TABLE writes it."""
    entry = Path(table.table_uri.removeprefix("file://"), "_delta_log", f"{0:020d}.json").read_text().splitlines()
    found = next(json.loads(line)["metaData"] for line in entry if "metaData" in line)
    return {"metaData": found | {"schemaString": found["schemaString"].replace('"nullable":true', '"nullable":false')}}


@pytest.mark.parametrize("raced", [False, True], ids=["before the commit", "while it loses a race"])
def test_staged_files_that_were_vacuumed_are_not_committed(race: Race, *, raced: bool) -> None:
    def vacuum() -> None:
        DeltaTable(race.shop.at("t")).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)

    commit = commit_of(race.output("mine"))
    files = race.stage(commit, MINE)
    if raced:
        race.rivals, race.meanwhile = [race.another_run], vacuum
    else:
        vacuum()
    with pytest.raises(PolarpodError) as caught:
        delta.publish(commit, files, MINE.clear(), None)
    verdict = caught.value.verdict
    assert verdict.category is Category.STORAGE_UNAVAILABLE
    assert "files that this attempt had staged are gone from the store, or cut" in verdict.summary
    assert any(files[0].path in line for line in verdict.evidence)
    assert "VACUUM" in verdict.remedy
    assert (1, "mine") not in race.rows()
