"""Runs, listings and sweeps over a state store or an output of which one document is damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import not_in_a_pod, on_disk
from tests.suite.terminal import Terminal

from polarpod.store.parquet_manifest import KEY as MANIFEST

pytestmark = on_disk

# by the job that publishes so
OUTPUTS = {
    "replacing": 'Delta("{lake}/replacing", replace={"day": "{day}"})',
    "appending": 'Delta("{lake}/appending", append=True)',
    "parquet": 'Parquet("{lake}/parquet", replace={"day": "{day}"})',
}
JOBS = "".join(copying(name, 'Parquet("{lake}/{day}.parquet")', output) for name, output in OUTPUTS.items()) + copying(
    "reader", 'Parquet("{lake}/parquet")', 'Delta("{lake}/read", replace={})'
)
jobs = pytest.mark.parametrize("job", OUTPUTS)


@pytest.fixture(autouse=True)
def orders(bench: Bench) -> None:
    for day in ("mon", "tue"):
        bench.put(f"{day}.parquet", pl.DataFrame({"id": [1, 2], "day": [day, day]}))


def seen(bench: Bench, job: str) -> list[tuple[object, ...]]:
    """What readers of a job's output see."""
    return bench.listed(job) if job == "parquet" else bench.rows(job)


def spoil(bench: Bench, job: str, name: str) -> str:
    """Empties a document of Monday's attempt; returns its place."""
    [run_key] = [key for key in bench.state.run_keys(job) if "mon" in key]
    [info] = bench.state.attempts(job, run_key)
    shared = name.startswith(("claims", "standing"))
    key = f"runs/{job}/{run_key}/{'' if shared else f'{info.uid}/'}{name}"
    bench.state.folder.write(key, b"")
    return f"{bench.state.folder.uri}/{key}"


@jobs
@pytest.mark.parametrize("name", ["receipt.json", "standing.json"])
def test_a_run_without_a_receipt_to_answer_with_adopts_what_stands_and_writes_another(
    bench: Bench, polarpod: Terminal, job: str, name: str
) -> None:
    bench.publish(job, day="mon")
    before, place = seen(bench, job), spoil(bench, job, name)
    planned = polarpod("plan", job, "-p", "day=mon")
    assert "would run" in planned.out
    assert "in the table any more" not in planned.out
    said = polarpod("run", job, "-p", "day=mon")
    assert (said.code, "adopted from attempt" in said.out) == (0, True), said.err
    assert (said.err.count("warning"), said.err.count(place)) == (1, 1), said.err
    assert "trying again" not in said.err
    assert seen(bench, job) == before
    # and that was the remedy, but for the document that nothing needs
    if name == "receipt.json":
        bench.state.folder.delete([place.removeprefix(f"{bench.state.folder.uri}/")])
    again = polarpod("run", job, "-p", "day=mon", "--json")
    assert again.json["verdict"]["category"] == "skipped"
    assert (again.json["receipt"]["attempt"]["number"], again.err) == (2, "")


@jobs
@pytest.mark.parametrize("name", ["verdict.json", "context.json", "claims/00000001"])
def test_a_run_is_skipped_by_its_receipt_whatever_else_is_damaged(
    bench: Bench, polarpod: Terminal, job: str, name: str
) -> None:
    bench.publish(job, day="mon")
    place = spoil(bench, job, name)
    said = polarpod("run", job, "-p", "day=mon")
    assert (said.code, "skipped" in said.out) == (0, True), said.err
    assert (said.err.count("warning"), said.err.count(place)) == (1, 1), said.err
    forced = polarpod("run", job, "-p", "day=mon", "--force")
    assert (forced.code, "attempt 2" in forced.err) == ((26 if job == "appending" else 0), True), forced.err


@pytest.mark.parametrize("name", ["receipt.json", "verdict.json", "context.json", "claims/00000001"])
@pytest.mark.parametrize("command", ["runs", "gc", "show", "logs"])
def test_a_listing_shows_the_other_runs_and_names_the_damaged_document(
    bench: Bench, polarpod: Terminal, name: str, command: str
) -> None:
    for day in ("mon", "tue"):
        bench.publish("parquet", day=day)
    place = spoil(bench, "parquet", name)
    said = polarpod(command, *(["parquet/day-mon"] if command in ("show", "logs") else []))
    assert (said.code, said.err.count(place)) == (0, 1), said.err
    assert "what to do: " in said.err
    if command == "runs":
        assert all(run in said.out for run in ("parquet/day-mon", "parquet/day-tue"))
        facts = polarpod("runs", "--json").json
        assert [fact["damaged"] for fact in facts] == [[], [] if name.startswith("claims") else [place]]
    if command == "show":
        assert ("parquet/day-mon" in said.out, f"damaged    {place}" in said.out) == (True, not name.startswith("claims"))


def test_of_many_damaged_documents_the_first_are_named_and_the_rest_counted(bench: Bench, polarpod: Terminal) -> None:
    for number in range(7):
        bench.state.folder.write(f"runs/parquet/day-{number}/claims/00000001", b"")
    said = polarpod("runs")
    assert (said.code, said.err.count("is damaged")) == (0, 5)
    assert "polarpod: warning: 2 more documents cannot be used" in said.err


@not_in_a_pod("a log is renamed away, which a bucket cannot")
def test_a_table_whose_log_is_gone_keeps_its_files_until_it_is_back(bench: Bench, polarpod: Terminal) -> None:
    for day in ("mon", "tue"):
        bench.publish("appending", day=day)
    before, log, aside = bench.rows("appending"), Path(bench.lake, "appending", "_delta_log"), Path(bench.lake, "aside")
    log.rename(aside)
    swept = polarpod("gc", "--delete")
    assert (swept.code, "left alone: publish_refused: the log of a Delta table is gone" in swept.err) == (26, True), (
        swept.err
    )
    aside.rename(log)
    assert bench.rows("appending") == before
    # it was deleted on purpose
    shutil.rmtree(Path(bench.lake, "appending"))
    assert polarpod("gc", "--delete").code == 0


def test_a_damaged_manifest_stops_runs_at_once_and_its_remedy_works(bench: Bench, polarpod: Terminal) -> None:
    bench.publish("parquet", day="mon")
    key = f"parquet/{MANIFEST}"
    whole, files = bench.read_bytes(key), bench.files("parquet")
    bench.put_bytes(key, whole[:50])
    said = polarpod("run", "parquet", "-p", "day=mon")
    assert (said.code, "trying again" in said.err) == (26, False)
    assert said.err.startswith("polarpod: publish_refused: the manifest of a Parquet dataset is not valid")
    assert f"evidence: {bench.lake}/{key}" in said.err
    read = polarpod("run", "reader")
    assert (read.code, read.err.startswith("polarpod: input_unreadable: the manifest")) == (22, True), read.err
    swept = polarpod("gc", "--delete")
    assert (swept.code, "left alone: publish_refused: the manifest" in swept.err) == (26, True)
    assert bench.files("parquet") == files
    # there is no backup: it is deleted, and the run made again
    bench.delete(key)
    swept = polarpod("gc", "--delete")
    assert (swept.code, "the manifest of a Parquet dataset is gone" in swept.err) == (26, True)
    assert len(bench.files("parquet")) == len(files) - 1, "a backup may still be found"
    planned = polarpod("plan", "parquet", "-p", "day=mon")
    assert "would run  its output has no manifest any more" in planned.out
    assert polarpod("run", "parquet", "-p", "day=mon").code == 0
    assert len(bench.listed("parquet")) == 2
    assert polarpod("gc", "--delete").code == 0
    assert len(bench.files("parquet")) == len(files)
