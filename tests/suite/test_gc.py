"""`polarpod gc`: what failed attempts staged goes, what was committed or may still be, stays."""

from __future__ import annotations

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import not_in_a_pod, on, on_disk
from tests.suite.terminal import Terminal

JOBS = """
class Sale(dy.Schema):
    id = dy.Int64(nullable=False, min=0)
    place = dy.String(nullable=False)

ORDERS = {"orders": Parquet("{lake}/orders.parquet")}
CHECKED = Check(Sale, quarantine="{lake}/bad", max_bad_share=0.5)

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}, partition_by=["place"]), checks=CHECKED, memory="512Mi")
def delta(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/out", replace={}), checks=CHECKED, memory="512Mi")
def parquet(orders):
    return orders
"""


def put_orders(bench: Bench, *ids: int) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": ids, "place": ["a b"] * len(ids)}))


def lying(bench: Bench) -> list[str]:
    """What is there but for the sweep's own notes."""
    return [file for file in bench.files("") if not file.startswith("_state/index/")]


# not on moto: it answers from a thread of this process, and deltalake's history() lets no other thread run meanwhile
@on("local", "versitygw")
@pytest.mark.parametrize("name", [pytest.param("delta", id="delta"), pytest.param("parquet", id="parquet")])
def test_a_sweep_takes_what_a_failed_attempt_staged_and_nothing_else(bench: Bench, polarpod: Terminal, name: str) -> None:
    put_orders(bench, 1, -1)
    committed = bench.receipt(name).attempt.uid
    put_orders(bench, 2, -2, -3)
    failed = bench.fails(name, "checks_failed").receipt
    assert failed is not None
    running = bench.prepare(name)[0].attempt.uid
    place = "out/place=a%20b" if name == "delta" else f"out/data/{running}"
    bench.put_bytes(f"{place}/{running}-00000.parquet", b"not yet whole")
    files = lying(bench)
    dry = polarpod("gc")
    assert dry.code == 0
    assert "would delete 2 files" in dry.out
    assert "run again with --delete to do it" in dry.out
    assert lying(bench) == files
    swept = polarpod("gc", "--delete", "--json").json
    gone = {file for file in files if failed.attempt.uid in file and not file.startswith("_state/")}
    assert len(gone) == 2
    assert {item["uid"] for item in swept["garbage"]} == {failed.attempt.uid}
    assert set(files) - set(lying(bench)) == gone
    assert any(running in name for name in bench.files("out"))
    seen = bench.rows("out", "id") if name == "delta" else bench.listed("out", "id")
    assert (seen, bench.listed("bad", "id")) == ([(1,)], [(-1,)])
    assert any(committed in name for name in bench.files("bad"))
    assert polarpod("gc").out == "nothing to sweep\n"


@on_disk
def test_a_sweep_leaves_what_an_undo_would_need(bench: Bench, polarpod: Terminal) -> None:
    for identity in (1, 2):
        put_orders(bench, identity)
        receipt = bench.receipt("delta")
    assert polarpod("gc", "--delete").out == "nothing to sweep\n"
    assert polarpod("undo", receipt.attempt.uid).code == 0
    assert polarpod("gc", "--delete").out == "nothing to sweep\n"
    assert bench.rows("out", "id") == [(1,)]


@on_disk
@not_in_a_pod("its scratch directory is a volume that goes with it")
def test_a_scratch_directory_without_its_launcher_is_swept(bench: Bench, polarpod: Terminal) -> None:
    put_orders(bench, 1)
    receipt = bench.receipt("delta")
    left = bench.root / "scratch" / f"polarpod-{receipt.attempt.uid}"
    left.mkdir(parents=True)
    (left / "spill").write_bytes(b"x" * 100)
    assert "would delete 1 scratch directory of 100 B" in polarpod("gc").out
    polarpod("gc", "--delete")
    assert not left.exists()
