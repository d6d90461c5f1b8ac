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


class Small(dy.Schema):
    v = dy.Int64(max=1)


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


@pytest.mark.parametrize("way", [{"replace": {}}, {"append": True}], ids=["replace", "append"])
@pytest.mark.parametrize("name", ["a.parquet", "day=1/A.PARQUET", "data/a.parquet"])
def test_nothing_is_published_over_files_of_others(shop: InProcess, name: str, way: dict[str, Any]) -> None:
    (shop.root / "out" / name).parent.mkdir(parents=True)
    FRAME.write_parquet(shop.root / "out" / name)
    outcome = shop.publish(FRAME, shop.parquet("out", **way))
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert f"1 files: {name}" in outcome.verdict.text()
    assert [path.name for path in (shop.root / "out").rglob("*") if path.is_file()] == [Path(name).name]


def test_a_job_does_not_publish_into_the_folder_that_it_reads(shop: InProcess) -> None:
    shop.put("d/a.parquet", FRAME)

    def first(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.head(1)

    outcome = shop.run(first, shop.parquet("d", replace={}), rows=Parquet(shop.at("d")))
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert shop.read(shop.parquet("d")).equals(FRAME)


def test_a_quarantine_is_not_begun_over_files_of_others(shop: InProcess) -> None:
    shop.put("bad/a.parquet", FRAME)
    checks = Check(Small, quarantine=shop.at("bad"), max_bad_share=1)
    outcome = shop.publish(FRAME, shop.parquet("out", replace={}), checks=checks)
    assert outcome.verdict.category is Category.PUBLISH_REFUSED
    assert not (shop.root / "out/_polarpod").exists()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"data/{'a' * 32}/x.parquet", id="staged by an attempt that failed"),
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
