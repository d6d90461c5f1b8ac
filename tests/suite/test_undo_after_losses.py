"""`polarpod undo` where documents, a log or a manifest are lost: the table tells what the state store does not, and what
nobody can know is said. Every command that a refusal names works in the state it was made in."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import not_in_a_pod, on_disk
from tests.suite.terminal import Said, Terminal

pytestmark = [on_disk, not_in_a_pod("about the state store")]

JOBS = """
ORDERS = {"orders": Parquet("{lake}/orders.parquet")}

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), memory="512Mi")
def replaced(orders):
    return orders

@job(inputs=ORDERS, output=Delta("{lake}/out", append=True), memory="512Mi")
def appended(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/out", replace={}), memory="512Mi")
def shelved(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{lake}/out", append=True), memory="512Mi")
def piled(orders):
    return orders
"""
EACH = pytest.mark.parametrize("name", ["replaced", "appended", "shelved", "piled"])
REPEATED = pytest.mark.parametrize("name", ["replaced", "shelved"])
LOSSES = pytest.mark.parametrize(
    "lost",
    [
        pytest.param(["context.json"], id="the context"),
        pytest.param(["receipt.json"], id="the receipt"),
        pytest.param(["context.json", "receipt.json"], id="both"),
    ],
)


def put_orders(bench: Bench, *ids: int) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": ids}))


def seen(bench: Bench, name: str) -> list[Any]:
    rows = bench.rows("out") if name in ("replaced", "appended") else bench.listed("out")
    return [identity for (identity,) in rows]


def run_of(bench: Bench, name: str) -> str:
    return f"{name}/{bench.plan(name).run_key}"


def documents(bench: Bench, uid: str) -> str:
    [place] = {name.rpartition("/")[0] for name in bench.files("_state") if f"/{uid}/" in name}
    return f"_state/{place}"


def lose(bench: Bench, uid: str, *names: str) -> None:
    for name in names:
        bench.delete(f"{documents(bench, uid)}/{name}")


def follow(said: Said, polarpod: Terminal) -> list[Said]:
    """Runs each command that a refusal names."""
    remedy = said.err.partition("what to do: ")[2]
    commands = re.findall(r"`polarpod ([^`]+)`", remedy)
    assert commands, said.err
    return [polarpod(*command.split()) for command in commands]


@REPEATED
@LOSSES
def test_what_the_documents_of_a_run_do_not_tell_its_table_does(
    bench: Bench, polarpod: Terminal, name: str, lost: list[str]
) -> None:
    for identity in (1, 2):
        put_orders(bench, identity)
        uid = bench.receipt(name).attempt.uid
    lose(bench, uid, *lost)
    done = polarpod("undo", run_of(bench, name))
    assert done.code == 0, done.err
    assert seen(bench, name) == [1]


@EACH
def test_a_run_of_which_nothing_is_left_is_run_again_and_taken_back(bench: Bench, polarpod: Terminal, name: str) -> None:
    put_orders(bench, 1)
    lose(bench, bench.receipt(name).attempt.uid, "context.json", "receipt.json")
    refused = polarpod("undo", run_of(bench, name))
    assert refused.code == 26
    assert "the state store has neither its context nor its receipt" in refused.err
    assert "nobody can say what it published, or where" in refused.err
    assert "it published nothing" not in refused.err
    bench.publish(name)
    [done] = follow(refused, polarpod)
    assert done.code == 0, done.err
    assert seen(bench, name) == []


@EACH
def test_a_run_that_the_state_store_has_lost_is_run_again_and_taken_back(
    bench: Bench, polarpod: Terminal, name: str
) -> None:
    put_orders(bench, 1)
    run = run_of(bench, name)
    bench.publish(name)
    bench.clear("_state")
    refused = polarpod("undo", run)
    assert (refused.code, f"no run matches {run!r}" in refused.err) == (2, True)
    assert "Where the state store has lost the run, run it again first" in refused.err
    bench.publish(name)
    done = polarpod("undo", run)
    assert done.code == 0, done.err
    assert seen(bench, name) == []


@pytest.mark.parametrize("name", ["appended", "piled"])
def test_an_append_that_is_refused_after_the_loss_of_the_state_store_names_an_undo_that_works(
    bench: Bench, polarpod: Terminal, name: str
) -> None:
    put_orders(bench, 1)
    bench.publish(name)
    bench.clear("_state")
    put_orders(bench, 2)
    verdict = bench.fails(name, "publish_refused", "has already appended its rows once").verdict
    [done] = follow(Said(26, "", verdict.text()), polarpod)
    assert done.code == 0, done.err
    bench.publish(name)
    assert seen(bench, name) == [2]


@REPEATED
def test_what_came_after_is_undone_by_a_command_that_works_although_its_documents_are_lost(
    bench: Bench, polarpod: Terminal, name: str
) -> None:
    uids = []
    for identity in (1, 2):
        put_orders(bench, identity)
        uids.append(bench.receipt(name).attempt.uid)
    bench.clear(documents(bench, uids[1]))
    bench.delete(f"_state/runs/{run_of(bench, name)}/claims/00000002")
    refused = polarpod("undo", uids[0])
    assert refused.code == 26
    for done in follow(refused, polarpod):
        assert done.code == 0, done.err
    assert seen(bench, name) == [1]
    assert polarpod("undo", uids[0]).code == 0
    assert seen(bench, name) == []


@REPEATED
def test_where_the_state_store_does_not_know_the_newer_run_no_undo_of_it_is_named(
    bench: Bench, polarpod: Terminal, name: str
) -> None:
    """Of another job, of which nothing is left that says where it published."""
    bench.write_job(JOBS.replace("def ", "def other_"), module="others")
    put_orders(bench, 1)
    uid = bench.receipt(name).attempt.uid
    put_orders(bench, 2)
    bench.publish(f"other_{name}")
    bench.clear(f"_state/runs/other_{name}")
    said = polarpod("undo", uid)
    if name == "shelved":
        # its entry is there still, without a file: the newer run keeps what it has replaced
        assert said.code == 0, said.err
        assert seen(bench, name) == [2]
        return
    assert said.code == 26
    assert "`polarpod undo" not in said.err
    assert "elete its rows by what tells them from others" in said.err


@EACH
def test_a_log_or_a_manifest_that_is_missing_is_told(bench: Bench, polarpod: Terminal, name: str) -> None:
    put_orders(bench, 1)
    uid = bench.receipt(name).attempt.uid
    bench.clear("out/_delta_log" if name in ("replaced", "appended") else "out/_polarpod")
    kind = "log of the Delta table" if name in ("replaced", "appended") else "manifest of the Parquet dataset"
    for asked in (uid, run_of(bench, name)):
        refused = polarpod("undo", asked)
        assert refused.code == 26
        assert f"the {kind} is missing, so that nobody can say which of its files are published" in refused.err
        assert f"nothing is at {bench.lake}/out/_" in refused.err
        assert "Restore it from a backup or the bucket's versions" in refused.err
        assert "something newer" not in refused.err
    lose(bench, uid, "receipt.json")
    refused = polarpod("undo", uid)
    assert f"it has no receipt, and there is no {kind} at" in refused.err
    assert "whether it published anything, nobody can say" in refused.err


@EACH
def test_an_attempt_that_failed_published_nothing_whatever_is_lost_of_others(
    bench: Bench, polarpod: Terminal, name: str
) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": ["a"]}))
    bench.write_job(JOBS.replace("return orders", "return 1 // 0"))
    ran = bench.run(name)
    assert ran.receipt
    refused = polarpod("undo", ran.receipt.attempt.uid)
    assert (refused.code, "it published nothing" in refused.err) == (26, True)


@REPEATED
def test_an_older_publish_whose_successor_is_gone_too_says_what_stands(bench: Bench, polarpod: Terminal, name: str) -> None:
    uids = []
    for identity in (1, 2, 3):
        put_orders(bench, identity)
        uids.append(bench.receipt(name).attempt.uid)
    refused = polarpod("undo", uids[0])
    assert refused.code == 26
    for done in follow(refused, polarpod):
        assert done.code == 0, done.err
    assert seen(bench, name) == ([2] if name == "shelved" else [1])
