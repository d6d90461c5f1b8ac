"""Replace in tables that other engines wrote: what is replaced is removed, however the log spells it.

Spark leaves letters as they are in a log's paths, deltalake encodes them; remove actions are matched by their text.
https://github.com/delta-io/delta-rs/issues/1239, https://github.com/delta-io/delta/issues/352
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.delta_tables import PROTOCOL, add, commit_of, metadata, publish, standing_of, write_log
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.publish.delta import commit_entry
from polarpod.store.fence import Standing

SPELLINGS = [
    pytest.param("Zürich", "city=Zürich", id="a letter as it is"),
    pytest.param("Zürich", "city=Z%C3%BCrich", id="a letter encoded"),
    pytest.param("a+b", "city=a%2Bb", id="more encoded than deltalake does"),
    pytest.param("a b", "city=a b", id="a space as it is"),
    pytest.param("a b", "city=a%20b", id="a space encoded"),
    pytest.param("a/b", "city=a%252Fb", id="a folder with a percent sign"),
    pytest.param("a%b", "city=a%b", id="a percent sign as it is"),
    pytest.param("x", "aB", id="a random prefix"),
    pytest.param("東京", "city=東京", id="letters of another script"),
]


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def spark_table(shop: InProcess, city: str, folder: str) -> None:
    place = shop.put(f"t/{unquote(folder)}/part-0.parquet", pl.DataFrame({"id": [1]}))
    other = shop.put("t/other/part-1.parquet", pl.DataFrame({"id": [2]}))
    adds = [add(f"{folder}/part-0.parquet", place, {"city": city}), add("other/part-1.parquet", other, {"city": "other"})]
    write_log(shop.at("t"), PROTOCOL, metadata({"id": "long", "city": "string"}, ["city"]), *adds)


def seen(shop: InProcess) -> list[tuple[Any, ...]]:
    return sorted(shop.read(shop.delta("t")).select("id", "city").rows())


@pytest.mark.parametrize(("city", "folder"), SPELLINGS)
def test_a_replace_removes_the_partitions_files(shop: InProcess, city: str, folder: str) -> None:
    spark_table(shop, city, folder)
    output = commit_of(Delta(shop.at("t"), replace={"city": city}))
    publish(output, pl.DataFrame({"id": [99], "city": [city]}))
    assert seen(shop) == [(2, "other"), (99, city)]
    assert standing_of(output) == Standing(1, True)
    DeltaTable(shop.at("t")).create_checkpoint()
    assert seen(shop) == [(2, "other"), (99, city)]
    again = commit_of(output.output, number=2, force=True)
    publish(again, pl.DataFrame({"id": [98], "city": [city]}))
    assert seen(shop) == [(2, "other"), (98, city)]


@pytest.mark.parametrize(("city", "folder"), SPELLINGS)
def test_a_replace_of_the_whole_table_leaves_nothing_else(shop: InProcess, city: str, folder: str) -> None:
    spark_table(shop, city, folder)
    whole = commit_of(Delta(shop.at("t"), replace={}, partition_by=["city"]))
    publish(whole, pl.DataFrame({"id": [99], "city": [city]}))
    assert seen(shop) == [(99, city)]
    assert DeltaTable(shop.at("t")).history(1)[0]["polarpod"], "it says of itself what every commit says"


@pytest.mark.parametrize(
    "output", [pytest.param({"merge": ["id"]}, id="merge"), pytest.param({"replace": "id = 1"}, id="predicate")]
)
def test_what_deltalake_would_double_is_refused_by_name(shop: InProcess, output: dict[str, Any]) -> None:
    spark_table(shop, "Zürich", "city=Zürich")
    outcome = shop.publish(pl.DataFrame({"id": [1], "city": ["Zürich"]}), Delta(shop.at("t"), **output))
    assert outcome.verdict.category == "publish_refused", outcome.verdict.text()
    assert "its log names city=Zürich/part-0.parquet" in outcome.verdict.text()
    assert seen(shop) == [(1, "Zürich"), (2, "other")]


def test_a_shallow_clone_is_replaced_and_not_merged_into(shop: InProcess) -> None:
    place = shop.put("source/p.parquet", pl.DataFrame({"id": [1]}))
    write_log(shop.at("t"), PROTOCOL, metadata({"id": "long"}, []), add(f"file://{place}", place, {}))
    outcome = shop.publish(pl.DataFrame({"id": [2]}), shop.delta("t", merge=["id"]))
    assert outcome.verdict.category == "publish_refused", outcome.verdict.text()
    assert f"its log names file://{place}" in outcome.verdict.text()
    assert shop.publish(pl.DataFrame({"id": [2]}), shop.delta("t", replace={})).verdict.succeeded
    assert shop.read(shop.delta("t"))["id"].to_list() == [2]


def test_of_two_runs_that_replace_at_once_one_commits_and_the_other_decides_anew(
    shop: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark_table(shop, "Zürich", "city=Zürich")
    frame = pl.DataFrame({"id": [99], "city": ["Zürich"]})
    mine = commit_of(Delta(shop.at("t"), replace={"city": "Zürich"}))
    put, rivals = commit_entry.put_entry, iter([True])

    def put_after_a_rival(*args: Any, **options: Any) -> bool:
        if next(rivals, False):
            publish(commit_of(Delta(shop.at("t"), append=True, partition_by=["city"]), job="rival"), frame)
        return put(*args, **options)

    monkeypatch.setattr(commit_entry, "put_entry", put_after_a_rival)
    publish(mine, frame.with_columns(id=pl.lit(1, pl.Int64)))
    assert seen(shop) == [(1, "Zürich"), (2, "other")]
    assert shop.version("t") == 2


def test_a_zombie_in_such_a_table_is_fenced_off(shop: InProcess) -> None:
    spark_table(shop, "Zürich", "city=Zürich")
    frame = pl.DataFrame({"id": [99], "city": ["Zürich"]})
    output = Delta(shop.at("t"), replace={"city": "Zürich"})
    publish(commit_of(output, number=2), frame)
    with pytest.raises(PolarpodError, match="a newer attempt of this run has already published"):
        publish(commit_of(output, number=1), frame)


TEXTS = st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=8).filter(
    lambda text: text not in (".", "..", "other")
)


@settings(max_examples=40, deadline=None)
@given(city=TEXTS, kept=st.text(max_size=10))
def test_any_spelling_of_any_name_is_removed(tmp_path_factory: pytest.TempPathFactory, city: str, kept: str) -> None:
    shop = InProcess(tmp_path_factory.mktemp("t"))
    folder = "city=" + quote(quote(city, safe=""), safe=kept.replace("%", ""))
    spark_table(shop, city, folder)
    outcome = shop.publish(pl.DataFrame({"id": [9], "city": [city]}), shop.delta("t", replace={"city": city}))
    assert outcome.verdict.succeeded, outcome.verdict.text()
    assert seen(shop) == [(2, "other"), (9, city)]
