"""What somebody did to a run's rows behind its back: a skip claims nothing that readers miss, and says what it keeps."""

from __future__ import annotations

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on, on_disk
from tests.suite.terminal import Terminal

from polarpod.launch.rerun_reasons import changes_since_standing
from polarpod.launch.run import skip
from polarpod.store.folder import Folder

JOBS = """
ORDERS = {"orders": Parquet("{lake}/orders.parquet")}

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), memory="512Mi")
def replaced(orders):
    return orders

@job(inputs=ORDERS, output=Delta("{lake}/out", append=True), memory="512Mi")
def appended(orders):
    return orders

@job(inputs=ORDERS, output=Delta("{lake}/out", merge=["id"]), memory="512Mi")
def merged(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/out", replace={}), memory="512Mi")
def shelved(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/out", append=True), memory="512Mi")
def shelved_beside(orders):
    return orders
"""


@pytest.fixture
def orders(bench: Bench) -> Bench:
    bench.put("orders.parquet", pl.DataFrame({"id": [1, 2], "n": [1, 2]}))
    return bench


def lose_data(bench: Bench, *, emptied: bool = False) -> str:
    (name,) = [name for name in bench.files("out") if name.endswith(".parquet")]
    Folder(bench.lake, bench.storage).write(f"out/{name}", b"") if emptied else bench.delete(f"out/{name}")
    return name


@on("local", "versitygw")
@pytest.mark.parametrize("emptied", [False, True], ids=["deleted", "emptied"])
@pytest.mark.parametrize("name", ["replaced", "shelved", "shelved_beside"])
def test_a_run_whose_file_was_deleted_from_the_store_publishes_again(orders: Bench, name: str, *, emptied: bool) -> None:
    orders.publish(name)
    lost = lose_data(orders, emptied=emptied)
    plan = orders.plan(name)
    assert skip(plan, orders.state) is None
    told = f"files with rows that it published are gone from the store, or cut: {lost}"
    assert changes_since_standing(plan, orders.state) == [told]
    orders.publish(name)
    seen = orders.rows("out") if name == "replaced" else orders.listed("out")
    assert seen == [(1, 1), (2, 2)]
    assert orders.run(name).verdict.category == "skipped"


@on("local", "versitygw")
def test_an_append_whose_file_was_deleted_is_refused_and_published_once_it_is_taken_back(
    orders: Bench, polarpod: Terminal
) -> None:
    run = f"appended/{orders.receipt('appended').run_key}"
    lost = lose_data(orders)
    orders.fails("appended", "publish_refused", "and not, or not whole, in the store", f"gone, or cut: {lost}")
    undone = polarpod("undo", run)
    assert undone.code == 0, undone.err
    orders.publish("appended")
    assert orders.rows("out") == [(1, 1), (2, 2)]


@on_disk
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        pytest.param("replaced", "Run with --force to publish the run's own rows over them.", id="replace"),
        pytest.param("appended", "To publish the run's own rows again, delete them from the table, then run.", id="append"),
        pytest.param("merged", "", id="merge"),
    ],
)
def test_rows_that_somebody_updated_are_kept_and_the_skip_says_so(
    orders: Bench, polarpod: Terminal, name: str, remedy: str
) -> None:
    orders.publish(name)
    orders.table("out").update({"n": "0"}, predicate="id = 1")
    version = orders.version("out")
    planned = polarpod("plan", name).out
    for words in ("others have changed rows of the run", f"changed since: UPDATE in version {version}", remedy):
        assert words in planned
    assert polarpod("plan", name, "--json").json["rows_changed_by"] == [f"UPDATE in version {version}"]
    verdict = orders.run(name).verdict
    assert (verdict.category, verdict.remedy) == ("skipped", remedy)
    assert f"changed since: UPDATE in version {version}" in verdict.evidence
    assert orders.rows("out") == [(1, 0), (2, 2)]
    if name == "replaced":
        orders.publish(name, force=True)
    elif name == "appended":
        orders.table("out").delete()
        orders.publish(name)
    assert orders.rows("out") == ([(1, 0), (2, 2)] if name == "merged" else [(1, 1), (2, 2)])


@on_disk
def test_of_many_changes_the_newest_are_named(orders: Bench) -> None:
    orders.publish("replaced")
    for number in range(5):
        orders.table("out").update({"n": str(number)})
    told = "changed since: UPDATE in version 3, UPDATE in version 4, UPDATE in version 5, and 2 more"
    assert told in orders.run("replaced").verdict.evidence
