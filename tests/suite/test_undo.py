"""`polarpod undo`: readers see what they saw before; running again brings it back; what cannot be undone says why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import not_in_a_pod, on, on_disk
from tests.suite.terminal import Terminal

JOBS = """
class Sale(dy.Schema):
    id = dy.Int64(nullable=False)
    n = dy.Int64(nullable=False, min=0)
    place = dy.String(nullable=False)

ORDERS = {"orders": Parquet("{lake}/orders.parquet")}

@job(
    inputs=ORDERS,
    output=Delta("{lake}/out", replace={}, partition_by=["place"]),
    checks=Check(Sale, quarantine="{lake}/bad", max_bad_share=1),
    memory="512Mi",
)
def replaced(orders):
    return orders

@job(inputs=ORDERS, output=Delta("{lake}/out", merge=["id"], partition_by=["place"]), memory="512Mi")
def merged(orders):
    return orders

@job(inputs=ORDERS, output=Delta("{lake}/out", append=True, partition_by=["place"]), memory="512Mi")
def appended(orders, *, batch):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/out", replace={}), memory="512Mi")
def shelved(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/elsewhere", replace={}), memory="512Mi")
def shelved_elsewhere(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/out", append=True), memory="512Mi")
def failing(orders):
    return 1 // 0
"""


def put_orders(bench: Bench, *rows: tuple[int, int, str]) -> None:
    bench.put("orders.parquet", pl.DataFrame(rows, schema=["id", "n", "place"], orient="row"))


def seen(bench: Bench, name: str) -> list[Any]:
    bad = bench.listed("bad", "id") if name == "replaced" and bench.files("bad") else []
    return [bench.listed("out") if name == "shelved" else bench.rows("out"), bad]


def it_is_told_as_an_undo(polarpod: Terminal, run: str, back: str) -> None:
    """By every command that lists attempts, and not as a run of the job."""
    newest = polarpod("runs", "--json").json[0]
    assert (newest["verdict"], newest["took_back"]) == ("undone", back)
    assert f"undo of {back[:8]}" in polarpod("runs").out
    shown = polarpod("show", run)
    assert f"undo of attempt 2, uid {back[:8]}: no run of the job" in shown.out
    assert "succeeded: " not in shown.out
    assert f"attempt 2  uid {back[:8]}  succeeded, taken back by attempt 3" in shown.out
    assert polarpod("show", run, "--json").json["took_back"] == back
    taken = polarpod("show", back)
    assert "taken back by attempt 3, uid" in taken.out
    assert f"undo of attempt 2, uid {back[:8]}" in taken.out
    assert polarpod("show", back, "--json").json["taken_back_by"] == newest["uid"]


@on("local", "versitygw")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("replaced", id="delta-replace-with-quarantine"),
        pytest.param("merged", id="delta-merge"),
        pytest.param("shelved", id="parquet-replace"),
    ],
)
def test_an_undo_brings_the_rows_before_back_and_running_again_the_rows_after(
    bench: Bench, polarpod: Terminal, name: str
) -> None:
    put_orders(bench, (1, 1, "a b/c"), (2, -1, "x"))
    bench.publish(name)
    before = seen(bench, name)
    put_orders(bench, (1, 5, "a b/c"), (3, -3, "ü"), (4, 4, "x"))
    receipt = bench.receipt(name)
    after = seen(bench, name)
    assert before != after
    said = polarpod("undo", f"{name}/{receipt.run_key}")
    assert said.code == 0, said.err
    assert "attempt 2 is taken back" in said.out
    assert seen(bench, name) == before
    it_is_told_as_an_undo(polarpod, f"{name}/{receipt.run_key}", receipt.attempt.uid)
    assert bench.receipt(name).attempt.number == 4
    assert seen(bench, name) == after


@on_disk
def test_an_undone_append_can_be_appended_anew(bench: Bench, polarpod: Terminal) -> None:
    put_orders(bench, (1, 1, "x"))
    receipt = bench.receipt("appended", batch="1")
    assert polarpod("undo", receipt.attempt.uid[:12], "--json").json["removed"] == 1
    assert bench.rows("out") == []
    put_orders(bench, (2, 2, "x"))
    bench.publish("appended", batch="1")
    assert bench.rows("out") == [(2, 2, "x")]


@on_disk
def test_what_cannot_be_undone_says_why(bench: Bench, polarpod: Terminal) -> None:
    put_orders(bench, (1, 1, "x"))
    bench.fails("failing", "job_failed")
    failed = polarpod("undo", f"failing/{bench.plan('failing').run_key}")
    assert (failed.code, "cannot be taken back: it published nothing" in failed.err) == (26, True)
    uids = [bench.receipt(name, force=True).attempt.uid for name in ("replaced", "replaced")]
    before = bench.visible()
    older = polarpod("undo", uids[0])
    assert (older.code, "1 of its files have been replaced or compacted since" in older.err) == (26, True)
    assert f"Undo what came after it first: `polarpod undo {uids[1][:12]}`." in older.err
    assert bench.visible() == before
    for name in bench.files("out"):
        if uids[0] in name:
            bench.delete(f"out/{name}")
    vacuumed = polarpod("undo", uids[1])
    assert (vacuumed.code, "1 of the files before it have been vacuumed" in vacuumed.err) == (26, True)
    assert bench.visible() == before


@on_disk
def test_an_undo_is_undone_by_nothing_but_a_new_run(bench: Bench, polarpod: Terminal) -> None:
    put_orders(bench, (1, 1, "x"))
    receipt = bench.receipt("shelved")
    run = f"shelved/{receipt.run_key}"
    assert polarpod("undo", run).code == 0
    assert bench.listed("out") == []
    twice = polarpod("undo", run)
    assert (twice.code, "it has been taken back already" in twice.err) == (26, True)
    undoing = polarpod("runs", "--json").json[0]["uid"]
    itself = polarpod("undo", undoing)
    assert (itself.code, "it is an undo itself" in itself.err) == (26, True)
    again = polarpod("undo", receipt.attempt.uid)
    assert (again.code, "it has been taken back already" in again.err) == (26, True)


@on_disk
@not_in_a_pod("about the state store")
def test_a_run_that_failed_since_is_undone_by_its_name_and_keeps_its_place_among_runs(
    bench: Bench, polarpod: Terminal
) -> None:
    put_orders(bench, (1, 1, "a"))
    assert bench.receipt("replaced").attempt.number == 1
    bench.delete("orders.parquet")
    bench.put("orders.parquet", pl.DataFrame({"wrong": [1]}))
    assert bench.run("replaced").verdict.category == "output_mismatch"
    put_orders(bench, (5, 5, "b"))
    bench.receipt("shelved_elsewhere")
    done = polarpod("undo", f"replaced/{bench.plan('replaced').run_key}")
    assert (done.code, "attempt 1 is taken back" in done.out) == (0, True)
    newest, older = polarpod("runs", "--json").json
    assert (newest["job"], newest["attempt"], newest["verdict"]) == ("replaced", 3, "undone")
    assert newest["created_at"] > older["created_at"]


@on_disk
@not_in_a_pod("about the table's properties")
def test_an_append_to_an_append_only_table_is_taken_back_only_once_the_table_allows_it(
    bench: Bench, polarpod: Terminal
) -> None:
    put_orders(bench, (1, 1, "x"))
    run = f"appended/{bench.receipt('appended', batch='1').run_key}"
    table = bench.table("out")
    table.alter.set_table_properties({"delta.appendOnly": "true"})
    refused = polarpod("undo", run)
    assert (refused.code, "the Delta table is append-only, and takes no file out" in refused.err) == (26, True)
    assert "Set its property delta.appendOnly to false, undo, and set it to true again" in refused.err
    assert bench.rows("out") == [(1, 1, "x")]
    table.alter.set_table_properties({"delta.appendOnly": "false"})
    assert polarpod("undo", run).code == 0
    assert bench.rows("out") == []


DAYS = """
@job(
    inputs={"orders": Parquet("{lake}/orders.parquet")},
    output=Delta("{lake}/out", replace={"day": "{day}"}),
    params={"day": Param(type="int")},
    memory="512Mi",
)
def daily(orders, *, day):
    return orders.with_columns(day=pl.lit(day))
"""


@pytest.fixture
def days(bench: Bench) -> Bench:
    """Two days in a table, each made twice."""
    bench.write_job(JOBS + DAYS)
    for number in (1, 2):
        put_orders(bench, (number, number, "x"))
        for day in ("1", "2"):
            bench.publish("daily", day=day)
    return bench


def run_of(bench: Bench, name: str, **params: str) -> str:
    return f"{name}/{bench.plan(name, **params).run_key}"


def followed(said: str, way: str) -> None:
    """Does what a remedy says after these words."""
    statement = said.partition(way)[2].partition("; or ")[0].partition(". Then a run")[0]
    assert statement.startswith("deltalake.DeltaTable("), said
    exec(f"import deltalake; {statement}")


@on_disk
@not_in_a_pod("about the table's log")
def test_rows_that_were_rewritten_by_themselves_are_taken_back(days: Bench, polarpod: Terminal) -> None:
    before = days.rows("out")
    put_orders(days, (9, 9, "x"), (8, 8, "x"))
    days.publish("daily", day="1")
    days.table("out").optimize.z_order(["id"])
    assert polarpod("undo", run_of(days, "daily", day="1")).code == 0
    assert days.rows("out") == before


@on_disk
@not_in_a_pod("about the table's log")
def test_what_a_compaction_has_named_so_that_deltalake_cannot_take_it_out_is_taken_out(
    bench: Bench, polarpod: Terminal
) -> None:
    put_orders(bench, (1, 1, "other"))
    bench.publish("appended", batch="1")
    put_orders(bench, (2, 2, "Zürich"))
    bench.publish("appended", batch="2")
    # as Spark's OPTIMIZE, which leaves letters as they are
    log = Path(bench.lake, "out", "_delta_log")
    entry = [json.loads(line) for line in (log / f"{1:020d}.json").read_text().splitlines()]
    [old] = [action["add"] for action in entry if "add" in action]
    mine, new = Path(bench.lake, "out", unquote(old["path"])), "place=Zürich/part-0.parquet"
    Path(bench.lake, "out", new).parent.mkdir()
    shutil.copy(mine, Path(bench.lake, "out", new))
    shared = {"dataChange": False, "partitionValues": old["partitionValues"], "size": old["size"]}
    actions = [
        {"commitInfo": {"timestamp": 0, "operation": "OPTIMIZE", "operationParameters": {}}},
        {"remove": {"path": old["path"], "deletionTimestamp": 0, "extendedFileMetadata": True, **shared}},
        {"add": {"path": new, "modificationTime": 0, "stats": old["stats"], **shared}},
    ]
    (log / f"{2:020d}.json").write_text("\n".join(json.dumps(action, ensure_ascii=False) for action in actions))
    before = bench.rows("out")
    assert before == [(1, 1, "other"), (2, 2, "Zürich")]
    done = polarpod("undo", run_of(bench, "appended", batch="2"))
    assert done.code == 0, done.err
    assert bench.rows("out") == before[:1]
    assert polarpod("run", "appended", "-p", "batch=2").code == 0
    assert bench.rows("out") == before


@on_disk
@not_in_a_pod("about the table's log")
def test_what_others_have_changed_is_restored_or_deleted_by_the_statements_of_the_refusal(
    days: Bench, polarpod: Terminal
) -> None:
    before = days.rows("out")
    put_orders(days, (9, 9, "x"))
    days.publish("daily", day="1")
    days.table("out").update({"n": "0"}, predicate="id = 9")
    updated = days.version("out")
    refused = polarpod("undo", run_of(days, "daily", day="1"))
    assert refused.code == 26
    assert "1 of its files have been replaced or compacted since" in refused.err
    assert f"taken out or written anew: UPDATE in version {updated}" in refused.err
    followed(refused.err, "which also takes back everything since: ")
    assert days.rows("out") == before
    days.publish("daily", day="1")
    days.table("out").update({"n": "0"}, predicate="id = 9")
    refused = polarpod("undo", run_of(days, "daily", day="1"))
    followed(refused.err, "delete the partition's rows: ")
    assert days.rows("out") == [(2, 2, "x", 2)]
    assert polarpod("undo", run_of(days, "daily", day="1")).code == 26
    days.publish("daily", day="1")
    assert days.rows("out") == [(2, 2, "x", 2), (9, 9, "x", 1)]


@on_disk
@not_in_a_pod("about the table's log")
def test_a_compaction_that_mixed_rows_of_several_runs_is_told(bench: Bench, polarpod: Terminal) -> None:
    for number in (1, 2):
        put_orders(bench, (number, number, "x"))
        bench.publish("appended", batch=str(number))
    bench.table("out").optimize.compact()
    refused = polarpod("undo", run_of(bench, "appended", batch="2"))
    assert refused.code == 26
    assert "compacted together with rows of others, which cannot be told apart since: OPTIMIZE in version 2" in refused.err
    assert "delete its rows by what tells them from others" in refused.err
    bench.table("out").delete("id = 2")
    assert bench.rows("out") == [(1, 1, "x")]


@on_disk
@not_in_a_pod("about the table's log")
def test_what_later_runs_replaced_is_undone_from_the_newest_on(days: Bench, polarpod: Terminal) -> None:
    first, second = (days.receipt("daily", force=True, day="1").attempt.uid for _ in range(2))
    refused = polarpod("undo", first)
    assert f"Undo what came after it first: `polarpod undo {second[:12]}`." in refused.err
    for uid in (second, first):
        assert polarpod("undo", uid[:12]).code == 0
    twice = polarpod("undo", first)
    assert (twice.code, "it has been taken back already" in twice.err) == (26, True)
