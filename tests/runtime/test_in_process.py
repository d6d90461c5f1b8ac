"""That the in-process harness takes a worker's path: it publishes, skips, refuses and checks as a worker does."""

from __future__ import annotations

import signal
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Output, Parquet
from polarpod.contract.definition import Check


class Positive(dy.Schema):
    x = dy.Int64(nullable=False, min=1)


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


@pytest.mark.parametrize("kind", [pytest.param("delta", id="delta"), pytest.param("parquet", id="parquet")])
def test_what_is_published_is_read_back_by_the_next_job(shop: InProcess, kind: str) -> None:
    frame = pl.DataFrame({"x": [1, 2], "k": ["a", "b"]})
    shop.put("in/a.parquet", frame)
    output: Output = getattr(shop, kind)("out", replace={}, partition_by=["k"])
    outcome = shop.run(lambda rows: rows, output, rows=Parquet(shop.at("in/*.parquet")))
    assert outcome.verdict.succeeded, outcome.verdict.text()
    assert outcome.published is not None
    assert outcome.published.rows == 2
    assert shop.read(getattr(shop, kind)("out")).sort("x").select("x", "k").equals(frame)


def test_what_a_worker_refuses_is_an_outcome(shop: InProcess) -> None:
    outcome = shop.publish(pl.DataFrame({"x": [1]}), shop.delta("out", replace={}, partition_by=["k"]))
    assert outcome.verdict.category == "output_mismatch"
    assert not shop.committed("out")


def test_checks_part_the_rows(shop: InProcess) -> None:
    checks = Check(Positive, quarantine=shop.at("bad"), max_bad_share=0.9)
    outcome = shop.publish(pl.DataFrame({"x": [1, 0]}), shop.delta("out", replace={}), checks=checks)
    assert outcome.checks is not None
    assert outcome.checks.rules == {"x|min": 1}
    assert shop.read(shop.delta("out"))["x"].to_list() == [1]
    assert shop.read(shop.parquet("bad"))["x"].to_list() == [0]


def test_it_leaves_the_signals_of_its_process_alone(shop: InProcess) -> None:
    before = signal.getsignal(signal.SIGINT)
    shop.publish(pl.DataFrame({"x": [1]}), shop.delta("out", append=True))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_run_of_the_same_content_adopts_the_first(shop: InProcess) -> None:
    frame = pl.DataFrame({"x": [1]})
    assert shop.publish(frame, shop.delta("out", append=True)).verdict.succeeded
    again = shop.publish(frame, shop.delta("out", append=True))
    assert again.published is not None
    assert again.published.adopted_from
    assert shop.version("out") == 0
