"""The quarantine policy: good rows are published, bad ones set aside with the rules they broke; both or neither."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from tests.suite.bench import Bench

# The pure transform's good and bad rows leave one pass; Python in the plan makes them go through a spool.
JOBS = """
class Sale(dy.Schema):
    id = dy.Int64(nullable=False)
    amount = dy.Int64(nullable=False, min=0, max=100)

ORDERS = {"orders": Parquet("{lake}/orders.parquet")}

CHECKED = Check(Sale, quarantine="{lake}/bad", max_bad_share=0.5)

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), checks=CHECKED, memory="512Mi")
def pure(orders):
    return orders.select("id", pl.col("amount") * 1)

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), checks=CHECKED, memory="512Mi")
def python(orders):
    return orders.select("id", "amount").map_batches(lambda frame: frame)

@job(inputs=ORDERS, output=Parquet("{lake}/shelf", append=True), checks=CHECKED, memory="512Mi")
def shelved(orders, *, batch):
    return orders
"""
BOTH = pytest.mark.parametrize("name", [pytest.param("pure", id="one-pass"), pytest.param("python", id="spooled")])


def put_sales(bench: Bench, *rows: tuple[int, int | None]) -> None:
    bench.put("orders.parquet", pl.DataFrame(rows, schema=["id", "amount"], orient="row"))


def bad_rows(bench: Bench) -> list[Any]:
    columns = ("id", "amount", "amount|min", "amount|max", "amount|nullability")
    return bench.listed("bad", *columns) if bench.files("bad/_polarpod") else []


@BOTH
def test_good_and_bad_rows_part_and_a_rerun_replaces_both(bench: Bench, name: str) -> None:
    put_sales(bench, (1, 5), (2, -1), (3, 500), (4, 6), (5, 7), (6, None))
    receipt = bench.receipt(name)
    assert receipt.checks is not None
    assert bench.rows("out") == [(1, 5), (4, 6), (5, 7)]
    assert bad_rows(bench) == [(2, -1, False, True, True), (3, 500, True, False, True), (6, None, True, True, False)]
    assert (receipt.checks.rows_checked, receipt.checks.rows_failed) == (6, 3)
    assert receipt.checks.rules == {"amount|min": 1, "amount|max": 1, "amount|nullability": 1}
    put_sales(bench, (1, 5), (4, 6), (7, -7))
    bench.publish(name)
    assert bench.rows("out") == [(1, 5), (4, 6)]
    assert bad_rows(bench) == [(7, -7, False, True, True)]


def test_a_rerun_without_bad_rows_empties_the_quarantine_entry(bench: Bench) -> None:
    put_sales(bench, (1, 5), (2, -1))
    bench.publish("pure")
    put_sales(bench, (1, 5), (2, 1))
    receipt = bench.receipt("pure")
    assert receipt.checks is not None
    assert (receipt.checks.rows_failed, receipt.checks.quarantine_uri) == (0, None)
    assert bad_rows(bench) == []


@BOTH
def test_too_many_bad_rows_publish_neither_half(bench: Bench, name: str) -> None:
    put_sales(bench, (1, 5), (2, -1))
    bench.publish(name)
    put_sales(bench, (1, 5), (2, -1), (3, -1))
    ran = bench.fails(name, "checks_failed", "2 of 3 rows break Sale, at most 50.00% may", "amount|min: 2 rows")
    assert ran.receipt is not None
    assert ran.receipt.checks is not None
    assert ran.receipt.checks.quarantine_uri is None


def test_jobs_and_runs_that_share_a_quarantine_keep_their_own_entries(bench: Bench) -> None:
    put_sales(bench, (1, 5), (2, -1))
    for name, params in (("pure", {}), ("python", {}), ("shelved", {"batch": "1"}), ("shelved", {"batch": "2"})):
        bench.publish(name, **params)
    assert len(bad_rows(bench)) == 4
    put_sales(bench, (1, 5), (3, -1))
    bench.publish("python")
    assert [row[0] for row in bad_rows(bench)] == [2, 2, 2, 3]
    assert bench.listed("shelf", "id") == [(1,), (1,)]
