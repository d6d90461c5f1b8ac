"""Whether an attempt may publish, given what the table holds: the rule that no zombie and no retry gets around."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.object_store import Lake

from polarpod.contract.dataset import Delta, Parquet
from polarpod.store.delta_transactions import content_id, transaction_id
from polarpod.store.fence import Decision, Standing, decide
from polarpod.store.folder import Folder
from polarpod.store.location import is_local, join
from polarpod.store.outputs.output import standing
from polarpod.store.parquet_manifest import Entry, swap, with_entry
from polarpod.store.storage_options import for_deltalake

PUBLISH, ADOPT, SUPERSEDED, LOST, APPENDED = Decision
MODES = ("replace", "append", "merge")
NOTHING = Standing(None, False)


@pytest.mark.parametrize("force", [pytest.param(False, id="plain"), pytest.param(True, id="forced")])
@pytest.mark.parametrize("mode", [pytest.param(mode, id=mode) for mode in MODES])
class TestAnAttemptNumberedTwo:
    def test_publishes_where_nothing_is(self, mode: str, force: bool) -> None:
        assert decide(NOTHING, number=2, mode=mode, force=force) is PUBLISH

    @pytest.mark.parametrize("same", [pytest.param(True, id="same rows"), pytest.param(False, id="other rows")])
    def test_gives_way_to_a_newer_attempt(self, mode: str, force: bool, same: bool) -> None:
        assert decide(Standing(3, same), number=2, mode=mode, force=force) is SUPERSEDED

    @pytest.mark.parametrize("same", [pytest.param(True, id="same rows"), pytest.param(False, id="other rows")])
    def test_adopts_its_own_commit_whose_answer_was_lost(self, mode: str, force: bool, same: bool) -> None:
        assert decide(Standing(2, same), number=2, mode=mode, force=force) is ADOPT

    def test_adopts_an_earlier_attempts_same_rows_unless_forced_and_never_appends_them_again(
        self, mode: str, force: bool
    ) -> None:
        expected = ADOPT if not force else APPENDED if mode == "append" else PUBLISH
        assert decide(Standing(1, True), number=2, mode=mode, force=force) is expected

    def test_replaces_or_merges_other_rows_and_never_appends_a_second_time(self, mode: str, force: bool) -> None:
        expected = APPENDED if mode == "append" else PUBLISH
        assert decide(Standing(1, False), number=2, mode=mode, force=force) is expected

    @pytest.mark.parametrize("same", [pytest.param(True, id="same rows"), pytest.param(False, id="other rows")])
    def test_publishes_again_what_was_undone_even_an_append(self, mode: str, force: bool, same: bool) -> None:
        assert decide(Standing(1, same, undone=True), number=2, mode=mode, force=force) is PUBLISH
        assert decide(Standing(3, same, undone=True), number=2, mode=mode, force=force) is SUPERSEDED


NUMBERS = st.integers(1, 2**53)
STANDINGS = st.builds(Standing, st.none() | NUMBERS, st.booleans(), st.booleans())


@given(standing=STANDINGS, number=NUMBERS, mode=st.sampled_from(MODES), force=st.booleans())
def test_a_lower_number_never_publishes_over_a_higher(standing: Standing, number: int, mode: str, force: bool) -> None:
    decision = decide(standing, number=number, mode=mode, force=force)
    if standing.number is not None and standing.number > number:
        assert decision is SUPERSEDED
    if decision is PUBLISH:
        assert standing.number is None or standing.number < number


@given(attempts=st.lists(st.tuples(st.integers(1, 6), st.sampled_from("fg"), st.booleans()), max_size=20))
def test_in_any_order_of_arrival_an_append_happens_once_and_numbers_only_rise(attempts: list[tuple[int, str, bool]]) -> None:
    for mode in MODES:
        held: tuple[int, str] | None = None
        commits = []
        for number, fingerprint, force in attempts:
            seen = Standing(held[0], held[1] == fingerprint) if held else NOTHING
            if decide(seen, number=number, mode=mode, force=force) is PUBLISH:
                held = (number, fingerprint)
                commits.append(number)
        assert commits == sorted(set(commits))
        assert len(commits) <= 1 or mode != "append"


ASKED = {"job": "sales", "run_key": "all-1", "fingerprint": "f" * 64}


@pytest.fixture
def held(reachable: Lake) -> Delta:
    """A Delta table that attempt 3 of a run has committed to."""
    uri = join(reachable.uri, "table")
    marks = [Transaction(transaction_id("sales", "all-1"), 3), Transaction(content_id("sales", "all-1", "f" * 64), 3)]
    options = None if is_local(uri) else for_deltalake(reachable.storage)
    properties = CommitProperties(app_transactions=marks)
    write_deltalake(uri, pl.DataFrame({"a": [1]}), commit_properties=properties, storage_options=options)
    return Delta(uri, append=True)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, Standing(3, True), id="the same content"),
        pytest.param({"fingerprint": "g" * 64}, Standing(3, False), id="other content"),
        pytest.param({"run_key": "all-2"}, NOTHING, id="another run"),
        pytest.param({"job": "other"}, NOTHING, id="another job with the same run key"),
    ],
)
def test_a_table_and_a_manifest_tell_what_they_hold_of_a_run(
    reachable: Lake, held: Delta, change: dict[str, str], expected: Standing
) -> None:
    assert standing(held, reachable.storage, **ASKED | change) == expected
    folder = Folder(join(reachable.uri, "files"), reachable.storage)
    entry = Entry(job="sales", run_key="all-1", number=3, uid="u", fingerprint="f" * 64, replace=None, files=[])
    swap(folder, with_entry(None, entry, schema={}, partition_by=[], now=dt.datetime.now(dt.UTC)), expected=None)
    assert standing(Parquet(folder.uri, append=True), reachable.storage, **ASKED | change) == expected


def test_where_nothing_was_published_nothing_stands(reachable: Lake) -> None:
    for output in (Delta(f"{reachable.uri}/no", append=True), Parquet(f"{reachable.uri}/no", append=True)):
        assert standing(output, reachable.storage, **ASKED) == NOTHING
