"""Outputs that add: an append counts once a run key, a merge once a key."""

from __future__ import annotations

import polars as pl
import pytest
from tests.suite.bench import Bench, copying

ORDERS = 'Parquet("{lake}/orders/*.parquet")'
JOBS = (
    copying("appended", ORDERS, 'Delta("{lake}/out", append=True, partition_by=["day"])', params="batch")
    + copying("shelved", ORDERS, 'Parquet("{lake}/shelf", append=True)', params="batch")
    + copying("merged", ORDERS, 'Delta("{lake}/out", merge=["Order id", "day"], partition_by=["day"])')
)


def put_orders(bench: Bench, *rows: tuple[int | None, str, int]) -> None:
    bench.put("orders/a.parquet", pl.DataFrame(rows, schema={"Order id": pl.Int64, "day": str, "n": int}, orient="row"))


def test_an_append_adds_once_a_batch(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 1), (2, "tue", 1))
    bench.publish("appended", batch="1")
    put_orders(bench, (3, "mon", 1))
    assert bench.publish("appended", batch="2").rows == 1
    assert bench.run("appended", batch="2").verdict.category == "skipped"
    assert bench.rows("out", "Order id", "day") == [(1, "mon"), (2, "tue"), (3, "mon")]


@pytest.mark.parametrize("name", [pytest.param("appended", id="delta"), pytest.param("shelved", id="parquet")])
def test_a_batch_that_changed_cannot_be_appended_again(bench: Bench, name: str) -> None:
    put_orders(bench, (1, "mon", 1))
    bench.publish(name, batch="1")
    put_orders(bench, (2, "mon", 1))
    bench.fails(name, "publish_refused", "already appended its rows once", "attempt 1", "polarpod undo", batch="1")


def test_a_merge_updates_what_it_knows_and_inserts_the_rest(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 1), (2, "tue", 1))
    assert bench.publish("merged").mode == "merge"
    put_orders(bench, (2, "tue", 5), (2, "a b/c", 1), (3, "ü", 1))
    bench.publish("merged")
    assert bench.rows("out", "Order id", "day", "n") == [(1, "mon", 1), (2, "a b/c", 1), (2, "tue", 5), (3, "ü", 1)]


def test_a_merge_refuses_keys_that_are_not_keys(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 1), (1, "mon", 2), (None, "mon", 3))
    words = ("cannot be merged on Order id, day", "1 key occurs more than once", "1 row has a null in the key")
    bench.fails("merged", "checks_failed", *words, "Make the key unique", "Fill the nulls")


def test_a_key_that_is_only_null_is_not_called_ambiguous(bench: Bench) -> None:
    put_orders(bench, (1, "mon", 1), (None, "mon", 3))
    ran = bench.fails("merged", "checks_failed", "1 row has a null in the key", "Fill the nulls")
    assert "unique" not in ran.verdict.text()
    assert "more than once" not in ran.verdict.text()
