"""The receipt's facts are the table's, the inputs' and the run's."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest
from tests.suite.bench import Bench, published

from polarpod.contract.receipt import Receipt

JOBS = """
class Sale(dy.Schema):
    id = dy.Int64(primary_key=True)
    day = dy.String(nullable=False)
    amount = dy.Int64(nullable=False, min=0)

INPUTS = {"orders": Parquet("{lake}/orders/*.parquet"), "people": Delta("{lake}/people")}

@job(
    inputs=INPUTS,
    output=Delta("{lake}/out", replace={"day": "{day}"}, partition_by=["day", "amount"]),
    checks=Check(Sale, quarantine="{lake}/bad", max_bad_share=0.5),
    memory="512Mi",
    cpu=1,
)
def to_delta(orders, people, *, day):
    return orders.join(people, on="id").with_columns(day=pl.lit(day)).select("id", "day", "amount")

@job(inputs=INPUTS, output=Parquet("{lake}/out", replace={"day": "{day}"}), memory="512Mi", cpu=1)
def to_parquet(orders, people, *, day):
    return orders.join(people, on="id").with_columns(day=pl.lit(day)).select("id", "day", "amount")
"""
FORMATS = [pytest.param("to_delta", id="delta"), pytest.param("to_parquet", id="parquet")]


def put_inputs(bench: Bench) -> None:
    bench.put("orders/a.parquet", pl.DataFrame({"id": [1, 2], "amount": [5, -5]}))
    bench.put("orders/b.parquet", pl.DataFrame({"id": [3, 4], "amount": [6, 6]}))
    bench.put_delta("people", pl.DataFrame({"id": [1, 2]}))
    bench.put_delta("people", pl.DataFrame({"id": [3, 4]}), mode="append")


def sizes(bench: Bench, path: str, suffix: str = ".parquet") -> list[int]:
    return [len(bench.read_bytes(f"{path}/{name}")) for name in bench.files(path) if name.endswith(suffix)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_receipt_tells_what_was_read_and_what_was_published(bench: Bench, name: str) -> None:
    put_inputs(bench)
    plan = bench.plan(name, day="mon")
    receipt = bench.receipt(name, day="mon")
    done = published(receipt)
    read = receipt.inputs
    assert (read["orders"].format, read["orders"].files, read["orders"].bytes) == ("parquet", 2, sum(sizes(bench, "orders")))
    assert (read["people"].format, read["people"].files, read["people"].bytes) == ("delta", 2, sum(sizes(bench, "people")))
    assert {key: use.version for key, use in read.items()} == {key: use.version for key, use in plan.listings.items()}
    assert receipt.fingerprint == plan.fingerprint
    assert (receipt.code_version, receipt.run_key, receipt.params) == (plan.code_version, plan.run_key, {"day": "mon"})
    visible = bench.rows("out") if name == "to_delta" else bench.listed("out")
    assert (done.rows, done.files, done.bytes) == (len(visible), len(sizes(bench, "out")), sum(sizes(bench, "out")))
    assert (done.uri, done.mode, done.version) == (plan.job.output.uri, "replace", 0 if name == "to_delta" else 1)
    if name == "to_delta":
        assert receipt.checks is not None
        assert (receipt.checks.rows_checked, receipt.checks.rows_failed) == (4, 1)
        assert receipt.checks.rules == {"amount|min": 1}
        assert receipt.checks.quarantine_uri == f"{bench.lake}/bad"
    assert receipt.usage.memory_limit_bytes == 512 * 2**20 > receipt.usage.memory_peak_bytes > 2**20
    assert receipt.engine["polars"] == pl.__version__


def test_the_receipt_is_the_document_in_the_state_store(bench: Bench) -> None:
    put_inputs(bench)
    receipt = bench.receipt("to_parquet", day="mon")
    path = f"_state/runs/to_parquet/{receipt.run_key}/{receipt.attempt.uid}/receipt.json"
    assert msgspec.json.decode(bench.read_bytes(path), type=Receipt) == receipt


@pytest.mark.parametrize("name", FORMATS)
def test_what_an_earlier_attempt_published_is_adopted_with_its_facts(bench: Bench, name: str) -> None:
    put_inputs(bench)
    first = bench.receipt(name, day="mon")
    bench.state.clear_standing(name, first.run_key)
    before = bench.visible()
    second = bench.receipt(name, day="mon")
    assert bench.visible() == before
    assert published(second) == msgspec.structs.replace(published(first), adopted_from=first.attempt.uid)
    assert second.checks == first.checks
