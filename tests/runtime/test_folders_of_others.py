"""An output whose folder has files of somebody else: the first manifest would hide them from every reader, and a table's
VACUUM delete them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.support.in_process import InProcess

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Parquet
from polarpod.contract.definition import Check
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.outputs.beginning import refuse_folder_of_others

FRAME = pl.DataFrame({"v": [1, 2]})
UID = "a" * 32


formats = pytest.mark.parametrize(
    ("kind", "way"),
    [
        pytest.param("parquet", {"replace": {}}, id="Parquet, replace"),
        pytest.param("parquet", {"append": True}, id="Parquet, append"),
        pytest.param("delta", {"replace": {}}, id="Delta, replace"),
        pytest.param("delta", {"replace": "v > 0"}, id="Delta, predicate"),
        pytest.param("delta", {"append": True}, id="Delta, append"),
        pytest.param("delta", {"merge": ["v"]}, id="Delta, merge"),
    ],
)


class Small(dy.Schema):
    v = dy.Int64(max=1)


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def files(shop: InProcess, folder: str) -> list[str]:
    root = shop.root / folder
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@formats
@pytest.mark.parametrize("name", ["a.parquet", "day=1/A.PARQUET", "a.parq", "data/a.parquet", f"data/{UID}/x.parquet"])
def test_nothing_is_staged_over_files_of_others(shop: InProcess, name: str, kind: str, way: dict[str, Any]) -> None:
    (shop.root / "out" / name).parent.mkdir(parents=True)
    FRAME.write_parquet(shop.root / "out" / name)
    ran: list[bool] = []

    def noted(frame: pl.DataFrame) -> pl.DataFrame:
        ran.append(True)
        return frame

    outcome = shop.publish(FRAME.lazy().map_batches(noted, schema=FRAME.schema), getattr(shop, kind)("out", **way))
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert f"there: {name}" in outcome.verdict.evidence
    assert not ran, "no row was made"
    assert files(shop, "out") == [name]


@formats
def test_a_run_is_refused_when_it_is_planned(shop: InProcess, kind: str, way: dict[str, Any]) -> None:
    output = getattr(shop, kind)("out", **way)
    refuse_folder_of_others(output, None, Storage())
    shop.put("out/a.parquet", FRAME)
    with pytest.raises(PolarpodError, match="the output's folder has Parquet files that polarpod has not written"):
        refuse_folder_of_others(output, None, Storage())
    Path(shop.at("out/a.parquet")).unlink()
    assert shop.publish(FRAME, output).verdict.succeeded
    shop.put("out/late.parquet", FRAME)
    refuse_folder_of_others(output, None, Storage())


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_quarantine_among_files_of_others_is_refused_when_the_run_is_planned(shop: InProcess, kind: str) -> None:
    shop.put("bad/a.parquet", FRAME)
    with pytest.raises(PolarpodError, match="has Parquet files that polarpod has not written") as caught:
        refuse_folder_of_others(getattr(shop, kind)("out", replace={}), shop.at("bad"), Storage())
    assert caught.value.verdict.evidence[0] == shop.at("bad")


def test_no_table_is_begun_in_a_dataset_and_no_dataset_in_a_table(shop: InProcess) -> None:
    assert shop.publish(FRAME, shop.parquet("dataset", replace={})).verdict.succeeded
    assert shop.publish(FRAME, shop.delta("table", replace={})).verdict.succeeded
    for output, what in (
        (shop.delta("dataset", replace={}), "is a Parquet dataset, which polarpod publishes"),
        (shop.parquet("table", replace={}), "is a Delta table"),
    ):
        verdict = shop.publish(FRAME, output, name="other").verdict
        assert verdict.category is Category.PUBLISH_REFUSED
        assert verdict.summary == f"the output's folder {what}"
        with pytest.raises(PolarpodError, match=what):
            refuse_folder_of_others(output, None, Storage())


def test_a_table_that_others_make_meanwhile_is_no_folder_of_others(shop: InProcess) -> None:
    def meanwhile(frame: pl.DataFrame) -> pl.DataFrame:
        write_deltalake(shop.at("out"), FRAME)
        return frame

    outcome = shop.publish(FRAME.lazy().map_batches(meanwhile, schema=FRAME.schema), shop.delta("out", append=True))
    assert outcome.verdict.succeeded, outcome.verdict.text()
    assert DeltaTable(shop.at("out")).version() == 1


def test_of_many_files_the_first_are_named(shop: InProcess) -> None:
    for number in range(5):
        shop.put(f"out/{number}.parquet", FRAME)
    outcome = shop.publish(FRAME, shop.parquet("out", replace={}))
    assert "there: 0.parquet, 1.parquet, 2.parquet, and 2 more" in outcome.verdict.evidence


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_files_that_come_while_the_run_works_are_not_hidden_either(shop: InProcess, kind: str) -> None:
    def meanwhile(frame: pl.DataFrame) -> pl.DataFrame:
        shop.put("out/late.parquet", FRAME)
        return frame

    output = getattr(shop, kind)("out", replace={})
    outcome = shop.publish(FRAME.lazy().map_batches(meanwhile, schema=FRAME.schema), output)
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert not (shop.root / "out/_polarpod").exists()
    assert not (shop.root / "out/_delta_log").exists()
    if kind == "parquet":
        assert shop.read(shop.parquet("out")).equals(FRAME)


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_job_does_not_publish_into_the_folder_that_it_reads(shop: InProcess, kind: str) -> None:
    shop.put("d/a.parquet", FRAME)

    def first(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.head(1)

    outcome = shop.run(first, getattr(shop, kind)("d", replace={}), rows=Parquet(shop.at("d")))
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert shop.read(shop.parquet("d")).equals(FRAME)


@pytest.mark.parametrize("frame", [FRAME, FRAME.head(1)], ids=["with a bad row", "without any"])
@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_no_bad_row_is_staged_in_a_folder_of_others(shop: InProcess, kind: str, frame: pl.DataFrame) -> None:
    shop.put("bad/a.parquet", FRAME)
    checks = Check(Small, quarantine=shop.at("bad"), max_bad_share=1)
    outcome = shop.publish(frame, getattr(shop, kind)("out", replace={}), checks=checks)
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert files(shop, "bad") == ["a.parquet"]
    assert files(shop, "out") == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"data/{UID}/{UID}-0000000000.parquet", id="staged by an attempt that failed"),
        pytest.param("_temporary/x.parquet", id="hidden"),
        pytest.param("readme.txt", id="no data"),
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_what_no_reader_of_the_folder_would_take_is_in_nobodys_way(shop: InProcess, name: str, kind: str) -> None:
    output = getattr(shop, kind)("out", replace={})
    (shop.root / "out" / name).parent.mkdir(parents=True)
    (shop.root / "out" / name).write_bytes(b"x")
    assert shop.publish(FRAME, output).verdict.succeeded
    assert shop.read(getattr(shop, kind)("out")).equals(FRAME)


@pytest.mark.parametrize("folder", ["", "v=1/"], ids=["at its root", "in a partition"])
def test_what_an_attempt_has_left_in_a_table_that_never_came_is_in_nobodys_way(shop: InProcess, folder: str) -> None:
    left = shop.root / "out" / folder / f"{UID}-0000000000.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x")
    assert shop.publish(FRAME, shop.delta("out", replace={})).verdict.succeeded
    assert shop.read(shop.delta("out")).equals(FRAME)


def test_files_that_come_later_are_left_out_and_the_next_run_publishes(shop: InProcess) -> None:
    assert shop.publish(FRAME, shop.parquet("out", append=True), name="one").verdict.succeeded
    shop.put("out/late.parquet", FRAME)
    assert shop.publish(FRAME, shop.parquet("out", append=True), name="two").verdict.succeeded
    assert shop.read(shop.parquet("out")).height == 4
