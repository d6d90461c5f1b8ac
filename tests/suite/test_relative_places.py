"""A relative place is the same for whoever plans and for the worker, whose own directory goes with it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.suite.bench import Bench, published
from tests.suite.conftest import not_in_a_pod, on_disk

JOBS = """
class Rules(dy.Schema):
    id = dy.Int64(min=0)

@job(
    inputs={"orders": Csv("data/orders.csv")},
    output=Delta("{shelf}/out", replace={}),
    checks=Check(Rules, quarantine="bad", max_bad_share=0.9),
    memory="512Mi",
)
def tidied(orders):
    return orders

@job(inputs={"orders": Delta("{shelf}/out")}, output=Parquet("./copies/x", replace={}), memory="512Mi")
def copied(orders):
    return orders
"""
pytestmark = [on_disk, not_in_a_pod("relative places are refused for pods: tests/launch/test_places.py")]


def test_what_is_read_and_published_is_where_the_plan_says(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bench.variables["shelf"] = "shelf"
    (tmp_path / "data").mkdir()
    pl.DataFrame({"id": [1, -1]}).write_csv("data/orders.csv")
    plan = bench.plan("tidied")
    assert list(plan.listings["orders"].files) == [str(tmp_path / "data/orders.csv")]
    receipt = bench.receipt("tidied")
    assert published(receipt).uri == plan.job.output.uri == str(tmp_path / "shelf/out")
    assert pl.read_delta(str(tmp_path / "shelf/out"))["id"].to_list() == [1]
    assert receipt.checks
    assert str(receipt.checks.quarantine_uri).startswith(str(tmp_path / "bad"))
    assert bench.publish("copied").uri == str(tmp_path / "copies/x")
    assert bench.run("tidied").verdict.category == "skipped"


def test_another_directory_is_another_place(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bench.variables["shelf"] = "shelf"
    bench.fails("tidied", "input_missing", str(tmp_path / "data/orders.csv"))
