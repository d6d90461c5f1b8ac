"""Python functions inside a query: each row goes through once, whatever the function does at its second call."""

from __future__ import annotations

import polars as pl
from tests.suite.bench import Bench

JOBS = """
import itertools

class Numbered(dy.Schema):
    id = dy.Int64(nullable=False)
    number = dy.Int64(nullable=False)

    @dy.rule()
    def even(cls):
        return pl.col("number") % 2 == 0

calls = itertools.count()

def number(frame):
    # another number for each row whenever it is seen again: a row evaluated twice could be good and bad at once, or neither
    print(f"saw {frame.height} rows")
    return frame.with_columns(number=pl.Series([next(calls) for _ in range(frame.height)], dtype=pl.Int64))

ORDERS = {"orders": Parquet("{lake}/orders.parquet")}
CHECKED = Check(Numbered, quarantine="{lake}/bad", max_bad_share=1)

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), checks=CHECKED, memory="512Mi")
def numbered(orders):
    return orders.map_batches(number, schema={"id": pl.Int64, "number": pl.Int64})

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), checks=CHECKED, memory="512Mi")
def shuffled(orders):
    return orders.with_columns(number=pl.int_range(pl.len()).shuffle())
"""


def test_a_function_that_never_answers_twice_alike_still_makes_each_row_good_or_bad_once(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": range(1000)}))
    ran = bench.run("numbered")
    assert ran.verdict.succeeded, ran.verdict.text()
    good, bad = bench.rows("out"), bench.listed("bad", "id", "number")
    assert sorted(identity for identity, _ in good + bad) == list(range(1000))
    assert {number % 2 for _, number in good} == {0}
    assert {number % 2 for _, number in bad} == {1}
    seen = [int(line.split()[1]) for line in ran.log.decode().splitlines() if line.startswith("saw ")]
    assert sum(seen) == 1000


def test_a_random_expression_still_makes_each_row_good_or_bad_once(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": range(1000)}))
    bench.publish("shuffled")
    good, bad = bench.rows("out"), bench.listed("bad", "id", "number")
    assert sorted(identity for identity, _ in good + bad) == list(range(1000))
    assert sorted(number for _, number in good + bad) == list(range(1000))
