"""What a Delta table refuses is said by name before rows are written, leaves nothing behind, and is tried once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from tests.runtime.delta_tables import commit_of, publish, rows, standing_of, version
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Delta
from polarpod.runtime.classify import classify
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.store.fence import Standing


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def refused(shop: InProcess, frame: pl.DataFrame, output: Delta, category: str, *words: str) -> None:
    outcome = shop.publish(frame, output)
    assert outcome.verdict.category == category, outcome.verdict.text()
    for word in words:
        assert word in outcome.verdict.text()
    assert not list(shop.root.rglob("*.parquet")), "not a row was written"
    assert not shop.committed("t"), "no empty table is left behind, which a reader would take for delivered"


ONE = pl.DataFrame({"k": [1]})


def test_a_merge_key_that_the_output_lacks_is_named(shop: InProcess) -> None:
    words = ("the output lacks its merge key kunde", "columns: k")
    refused(shop, ONE, shop.delta("t", merge=["kunde", "k"]), "output_mismatch", *words)


@pytest.mark.parametrize(
    ("predicate", "words"),
    [
        pytest.param("nosuch = 1", "No field named nosuch", id="a column that is not there"),
        pytest.param("k === ((", "sql parser error", id="no SQL"),
        pytest.param("k = 'x'", "Cannot cast string 'x'", id="a value of another type"),
        pytest.param("k + 1", "non-boolean predicate", id="not a condition"),
        pytest.param("k = (select 1)", "unsupported expression", id="a query"),
    ],
)
def test_a_predicate_that_cannot_be_evaluated_is_refused_in_deltalakes_words(
    shop: InProcess, predicate: str, words: str
) -> None:
    refused(shop, ONE, shop.delta("t", replace=predicate), "request_invalid", words, f"replace = {predicate!r}")


@pytest.mark.parametrize("name", ['a"b', "a b", "a.b", "A", "ü", "a'b", "a{b}", "select", "target"])
def test_names_that_sql_would_quote_are_merged_on(shop: InProcess, name: str) -> None:
    first, second = pl.DataFrame({name: [1, 2], "v": [1, 2]}), pl.DataFrame({name: [2, 3], "v": [5, 6]})
    for frame in (first, second):
        outcome = shop.publish(frame, shop.delta("t", merge=[name]), force=True)
        assert outcome.verdict.succeeded, outcome.verdict.text()
    assert rows(shop.at("t")) == [(1, 1), (2, 5), (3, 6)]


def test_a_merge_key_with_a_backtick_is_refused_by_name(shop: InProcess) -> None:
    words = ("merge = ['a`b']", "deltalake takes no backtick")
    refused(shop, pl.DataFrame({"a`b": [1], "v": [1]}), shop.delta("t", merge=["a`b"]), "request_invalid", *words)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(pl.DataFrame({"id": [1], "ID": [2]}), id="columns"),
        pytest.param(pl.DataFrame({"s": [{"id": 1, "ID": 2}]}), id="fields"),
        pytest.param(pl.DataFrame({"l": [[{"id": 1, "ID": 2}]]}), id="fields in a list"),
    ],
)
@pytest.mark.parametrize("way", [pytest.param({"append": True}, id="append"), pytest.param({"merge": ["id"]}, id="merge")])
def test_names_that_differ_in_case_only_are_refused(shop: InProcess, frame: pl.DataFrame, way: dict[str, Any]) -> None:
    refused(shop, frame, Delta(shop.at("t"), **way), "output_mismatch", "names differ in case only", "id")


@pytest.mark.parametrize(
    "way",
    [
        pytest.param({"replace": {}}, id="replace"),
        pytest.param({"append": True}, id="append"),
        pytest.param({"merge": ["v"]}, id="merge"),
    ],
)
def test_a_partition_column_that_delta_cannot_have_leaves_no_table(shop: InProcess, way: dict[str, Any]) -> None:
    frame = pl.DataFrame({"k": [[1]], "v": [1]})
    outcome = shop.publish(frame, Delta(shop.at("t"), partition_by=["k"], **way))
    assert outcome.verdict.category in ("output_mismatch", "request_invalid"), outcome.verdict.text()
    assert not shop.committed("t")
    assert shop.publish(
        frame, Delta(shop.at("t"), partition_by=["v"], **way | ({"merge": ["v"]} if "merge" in way else {}))
    ).verdict.succeeded


def test_a_partition_column_that_is_named_twice_leaves_no_table(shop: InProcess) -> None:
    outcome = shop.publish(pl.DataFrame({"k": [1], "v": [1]}), shop.delta("t", replace={}, partition_by=["k", "k"]))
    assert outcome.verdict.category == "request_invalid", outcome.verdict.text()
    assert not shop.committed("t")


@pytest.mark.parametrize("table", [pytest.param(True, id="a table"), pytest.param(False, id="no table yet")])
def test_a_merge_of_no_rows_is_a_version_of_its_own(tmp_path: Path, table: bool) -> None:
    uri = str(tmp_path / "t")
    if table:
        write_deltalake(uri, pl.DataFrame({"id": ["a"], "v": [1]}))
    commit = commit_of(Delta(uri, merge=["id"], allow_empty=True))
    published = publish(commit, pl.DataFrame(schema={"id": pl.String, "v": pl.Int64}))
    assert published.version == version(uri) == 1
    assert standing_of(commit) == Standing(1, True)
    assert rows(uri) == ([("a", 1)] if table else [])


@pytest.mark.parametrize("known", [pytest.param(["a"], id="a row that is known"), pytest.param([], id="an empty table")])
def test_a_predicate_of_no_rows_is_a_version_of_its_own(tmp_path: Path, known: list[str]) -> None:
    uri = str(tmp_path / "t")
    write_deltalake(uri, pl.DataFrame({"id": known}, schema={"id": pl.String}))
    commit = commit_of(Delta(uri, replace="id = 'a'", allow_empty=True))
    assert publish(commit, pl.DataFrame(schema={"id": pl.String})).version == version(uri) == 1
    assert standing_of(commit) == Standing(1, True)
    assert rows(uri) == []


def test_a_merge_that_changes_nothing_is_a_version_of_its_own(tmp_path: Path) -> None:
    uri, frame = str(tmp_path / "t"), pl.DataFrame({"id": ["a"], "v": [1]})
    write_deltalake(uri, frame)
    commit = commit_of(Delta(uri, merge=["id"]))
    assert publish(commit, frame).version == version(uri) == 1
    assert standing_of(commit) == Standing(1, True)


@pytest.mark.parametrize(
    ("predicate", "evidence"),
    [
        pytest.param(
            "k = 1",
            ["replace = 'k = 1'", "2 of 3 rows are outside of it", "a row outside: k = 7", "a row outside: k = None"],
        ),
        # of DataFusion's functions Polars has not all
        pytest.param("arrow_cast(k, 'Int64') = 1", ["rows failed validation check"], id="in words that Polars has not"),
    ],
)
def test_rows_outside_of_a_predicate_are_shown(shop: InProcess, predicate: str, evidence: list[str]) -> None:
    write_deltalake(shop.at("t"), ONE)
    outcome = shop.publish(pl.DataFrame({"k": [7, 1, None]}), shop.delta("t", replace=predicate))
    assert outcome.verdict.category == "output_mismatch"
    assert "outside the part of the table that this run replaces" in outcome.verdict.text()
    for words in evidence:
        assert words in outcome.verdict.text()
    assert ("DeltaError" in outcome.verdict.text()) == (len(evidence) == 1)


def failing(monkeypatch: pytest.MonkeyPatch, words: str, meanwhile: Any = None) -> list[int]:
    """The first commit fails in these words, after something has happened."""
    tries: list[int] = []
    write = DeltaTable.create_write_transaction

    def create(self: DeltaTable, *args: Any, **options: Any) -> None:
        tries.append(self.version())
        if len(tries) == 1:
            if meanwhile:
                meanwhile()
            raise CommitFailedError(words)
        write(self, *args, **options)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", create)
    return tries


def test_a_commit_that_another_came_before_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = str(tmp_path / "t")
    write_deltalake(uri, ONE)
    tries = failing(monkeypatch, "words of another version", lambda: write_deltalake(uri, ONE, mode="append"))
    publish(commit_of(Delta(uri, append=True)), ONE)
    assert tries == [0, 1]
    assert rows(uri) == [(1,), (1,), (1,)]


def test_a_commit_that_is_refused_for_good_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = str(tmp_path / "t")
    write_deltalake(uri, ONE)
    words = "The transaction includes Remove action with data change but Delta table is append-only"
    tries = failing(monkeypatch, words)
    with pytest.raises(CommitFailedError):
        publish(commit_of(Delta(uri, append=True)), ONE)
    assert tries == [0]
    verdict = classify(CommitFailedError(words), phase="publish")
    assert (verdict.category, words in verdict.text()) == ("publish_refused", True)


def test_a_run_in_a_table_of_many_versions_reads_no_log_where_its_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = str(tmp_path / "t")
    first = commit_of(Delta(uri, append=True))
    publish(first, ONE)
    for number in range(2, 130):
        publish(commit_of(Delta(uri, append=True), run_key=str(number)), ONE)
    assert version(uri) == 128
    monkeypatch.setattr("polarpod.store.outputs.delta.read", None)
    assert standing_of(first) == Standing(1, True)
    assert delta.adopt(commit_of(Delta(uri, append=True), number=2)) is not None
