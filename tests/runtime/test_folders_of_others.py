"""A Parquet output whose folder has files of somebody else: the first manifest would hide them from every reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Parquet
from polarpod.contract.definition import Check
from polarpod.contract.verdict import Category

FRAME = pl.DataFrame({"v": [1, 2]})
UID = "a" * 32


class Small(dy.Schema):
    v = dy.Int64(max=1)


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def files(shop: InProcess, folder: str) -> list[str]:
    root = shop.root / folder
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("way", [{"replace": {}}, {"append": True}], ids=["replace", "append"])
@pytest.mark.parametrize("name", ["a.parquet", "day=1/A.PARQUET", "a.parq", "data/a.parquet", f"data/{UID}/x.parquet"])
def test_nothing_is_staged_over_files_of_others(shop: InProcess, name: str, way: dict[str, Any]) -> None:
    (shop.root / "out" / name).parent.mkdir(parents=True)
    FRAME.write_parquet(shop.root / "out" / name)
    ran: list[bool] = []

    def noted(frame: pl.DataFrame) -> pl.DataFrame:
        ran.append(True)
        return frame

    outcome = shop.publish(FRAME.lazy().map_batches(noted, schema=FRAME.schema), shop.parquet("out", **way))
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert f"there: {name}" in outcome.verdict.evidence
    assert not ran, "no row was made"
    assert files(shop, "out") == [name]


def test_of_many_files_the_first_are_named(shop: InProcess) -> None:
    for number in range(5):
        shop.put(f"out/{number}.parquet", FRAME)
    outcome = shop.publish(FRAME, shop.parquet("out", replace={}))
    assert "there: 0.parquet, 1.parquet, 2.parquet, and 2 more" in outcome.verdict.evidence


def test_files_that_come_while_the_run_works_are_not_hidden_either(shop: InProcess) -> None:
    def meanwhile(frame: pl.DataFrame) -> pl.DataFrame:
        shop.put("out/late.parquet", FRAME)
        return frame

    outcome = shop.publish(FRAME.lazy().map_batches(meanwhile, schema=FRAME.schema), shop.parquet("out", replace={}))
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert not (shop.root / "out/_polarpod").exists()
    assert shop.read(shop.parquet("out")).equals(FRAME)


def test_a_job_does_not_publish_into_the_folder_that_it_reads(shop: InProcess) -> None:
    shop.put("d/a.parquet", FRAME)

    def first(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.head(1)

    outcome = shop.run(first, shop.parquet("d", replace={}), rows=Parquet(shop.at("d")))
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
def test_what_no_reader_of_the_folder_would_take_is_in_nobodys_way(shop: InProcess, name: str) -> None:
    (shop.root / "out" / name).parent.mkdir(parents=True)
    (shop.root / "out" / name).write_bytes(b"x")
    assert shop.publish(FRAME, shop.parquet("out", replace={})).verdict.succeeded
    assert shop.read(shop.parquet("out")).equals(FRAME)


def test_files_that_come_later_are_left_out_and_the_next_run_publishes(shop: InProcess) -> None:
    assert shop.publish(FRAME, shop.parquet("out", append=True), name="one").verdict.succeeded
    shop.put("out/late.parquet", FRAME)
    assert shop.publish(FRAME, shop.parquet("out", append=True), name="two").verdict.succeeded
    assert shop.read(shop.parquet("out")).height == 4
