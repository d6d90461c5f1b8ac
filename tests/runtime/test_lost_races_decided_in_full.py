"""A commit that lost its race decides from the entries it lost to. Whatever others have done meanwhile, it ends as one that
looks at the whole table again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, Field
from deltalake.exceptions import DeltaError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.delta_tables import commit_of, publish

from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.publish.delta import publisher as delta

FIRST = pl.DataFrame({"v": [0], "d": ["first"]})
MINE = pl.DataFrame({"v": [1], "d": ["mine"]})
SEVEN = pl.DataFrame({"v": [7], "d": ["mine"]})
THEIRS = pl.DataFrame({"v": [2], "d": ["theirs"]})
WAYS: dict[str, dict[str, Any]] = {
    "append": {"append": True, "partition_by": ["d"]},
    "replace": {"replace": {"d": "mine"}},
    "replace everything": {"replace": {}, "partition_by": ["d"]},
}


def by(job: str, way: str, frame: pl.DataFrame, **options: Any) -> Callable[[str], object]:
    """A run of another job, or of the same: a new one each time where it appends."""

    def run(at: str) -> None:
        key = {"run_key": f"after {version(at)}"} if not options else {}
        publish(commit_of(Delta(at, **WAYS[way]), job=job, **options, **key), frame)

    return run


def version(at: str) -> int:
    return int(DeltaTable(at).version())


def clean_log(at: str) -> None:
    DeltaTable(at).create_checkpoint()
    for path in sorted(Path(at, "_delta_log").glob("*.json"))[:-1]:
        path.unlink()


def make_again(at: str) -> None:
    for path in Path(at, "_delta_log").iterdir():
        path.unlink()
    # as another polarpod made it: by runs alone
    publish(commit_of(Delta(at, **WAYS["append"]), job="first"), THEIRS)


def set_property(name: str) -> Callable[[str], object]:
    return lambda at: DeltaTable(at).alter.set_table_properties({name: "true"})


HAPPENINGS: dict[str, Callable[[str], object]] = {
    "another run": by("rival", "append", THEIRS),
    "another run in the partition": by("rival", "append", SEVEN),
    "another run replaces the partition": by("rival", "replace", SEVEN),
    "another run replaces everything": by("rival", "replace everything", THEIRS),
    "a newer attempt": by("sales", "append", SEVEN, number=9),
    "an older attempt": by("sales", "append", SEVEN, number=1),
    "a stranger appends": lambda at: SEVEN.write_delta(at, mode="append"),
    "delete": lambda at: DeltaTable(at).delete("v = 7"),
    "delete all": lambda at: DeltaTable(at).delete(),
    "update": lambda at: DeltaTable(at).update({"v": "v + 1"}),
    "restore to the beginning": lambda at: DeltaTable(at).restore(0),
    "restore": lambda at: DeltaTable(at).restore(max(0, version(at) - 1)),
    "compact": lambda at: DeltaTable(at).optimize.compact(),
    "append only": set_property("delta.appendOnly"),
    "deletion vectors": set_property("delta.enableDeletionVectors"),
    "a constraint": lambda at: DeltaTable(at).alter.add_constraint({"small": "v < 99"}),
    "a column": lambda at: DeltaTable(at).alter.add_columns([Field("w", "string")]),
    "clean log": clean_log,
    "make again": make_again,
}


def happen(at: str, names: list[str]) -> None:
    for name in names:
        try:
            HAPPENINGS[name](at)
        except (PolarpodError, DeltaError):
            continue  # the table does not take it any more


def ending(way: str, before: list[str], meanwhile: list[str], *, in_full: bool) -> tuple[str, list[Any], int]:
    """How attempt 5 ends that loses its first race, and what happens before it tries again: verdict, rows, versions."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        at, meanwhile = f"{folder}/t", list(meanwhile)
        publish(commit_of(Delta(at, **WAYS["append"]), job="first"), FIRST)
        happen(at, before)
        commit, still_decided, lost = delta.commit_entry, delta.still_decided, list[str]()
        mine = commit_of(Delta(at, **WAYS[way]), number=5)

        def lose(of: Any, *rest: Any) -> int:
            if not lost:
                lost.append("once")
                happen(at, ["another run"])
            return commit(of, *rest)

        def after_a_while(*args: Any) -> Any:
            happen(at, meanwhile)
            meanwhile.clear()
            return None if in_full else still_decided(*args)

        patch.setattr(delta, "commit_entry", lose)
        patch.setattr(delta, "still_decided", after_a_while)
        # an older attempt of the same content is adopted before it comes to a race
        mine = mine._replace(fingerprint="e" * 64, held=frozenset())
        try:
            publish(mine, MINE)
            verdict = "published"
        except PolarpodError as error:
            verdict = f"{error.verdict.category}: {error.verdict.summary}"
        table = DeltaTable(at)
        return verdict, sorted(pl.read_delta(at).select("v", "d").rows()), int(table.version())


def same_either_way(way: str, before: list[str], meanwhile: list[str]) -> None:
    assert ending(way, before, meanwhile, in_full=False) == ending(way, before, meanwhile, in_full=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("happening", HAPPENINGS)
def test_it_ends_as_one_that_looks_at_the_whole_table_again(way: str, happening: str) -> None:
    same_either_way(way, [], [happening])


@pytest.mark.parametrize("way", WAYS)
def test_a_table_that_was_made_again_is_another_one_however_long_it_is(way: str) -> None:
    for others in range(1, 4):
        same_either_way(way, [], ["make again", *["another run"] * others])


@settings(max_examples=25, deadline=None)
@given(
    way=st.sampled_from(sorted(WAYS)),
    before=st.lists(st.sampled_from(sorted(HAPPENINGS)), max_size=2),
    meanwhile=st.lists(st.sampled_from(sorted(HAPPENINGS)), min_size=2, max_size=3),
)
def test_so_it_does_after_several_things_have_happened(way: str, before: list[str], meanwhile: list[str]) -> None:
    same_either_way(way, before, meanwhile)
