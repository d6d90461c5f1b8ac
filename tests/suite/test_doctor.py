"""`polarpod doctor` on a plane of child processes: tries out what a run depends on, from a worker's own environment."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import not_in_a_pod, on, on_disk
from tests.suite.terminal import Terminal

pytestmark = not_in_a_pod("about the process plane")

JOBS = copying("tidy", 'Parquet("{lake}/a.parquet")')


@on("local", "versitygw")
def test_a_plane_that_works_is_found_well_and_left_as_it_was(bench: Bench, polarpod: Terminal) -> None:
    before = bench.files("")
    done = polarpod("doctor")
    assert done.code == 0, done.out
    assert f"ok      state store, from a worker: {bench.lake}/_state reads, writes and refuses" in done.out
    assert f"ok      {{lake}}, from a worker: {bench.lake} reads, writes and refuses" in done.out
    assert "ok      jobs: 1 in " in done.out
    assert "all well: 4 tried" in done.out
    assert bench.files("") == before


@on_disk
@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("echo no such module >&2; exit 1", "ended with exit code 1; no such module", id="without polarpod"),
        pytest.param(None, "the worker's interpreter cannot be started", id="that is not there"),
    ],
)
def test_an_interpreter_that_cannot_be_a_worker_is_told(
    bench: Bench, polarpod: Terminal, monkeypatch: pytest.MonkeyPatch, script: str | None, says: str
) -> None:
    python = bench.root / "python"
    if script:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    plane = msgspec.structs.replace(bench.plane, python=str(python))
    monkeypatch.setattr(type(bench), "plane", property(lambda _: plane))
    done = polarpod("doctor")
    assert (done.code, says in done.out) == (2, True), done.out
    assert "Set `python`" in done.out


@on_disk
def test_a_job_module_that_is_broken_is_told_with_its_remedy(bench: Bench, polarpod: Terminal) -> None:
    bench.write_job("import no_such_package\n", module="broken")
    done = polarpod("doctor")
    assert (done.code, "FAILED  job module broken: the job module 'broken' fails to import" in done.out) == (2, True), (
        done.out
    )


@on_disk
def test_a_lake_that_cannot_be_written_is_told_from_a_worker(bench: Bench, polarpod: Terminal) -> None:
    blocked = bench.root / "file"
    Path(blocked).write_text("")
    bench.variables["marts"] = f"{blocked}/below"
    bench.variables["landing"] = f"{blocked}/read-only"
    bench.write_job(copying("sell", 'Parquet("{landing}/a.parquet")', 'Delta("{marts}/out", replace={})'), module="sell")
    done = polarpod("doctor")
    assert (done.code, "FAILED  {marts}, from a worker: " in done.out) == (2, True), done.out
    assert "what to do: " in done.out
    assert "unknown {landing}, from a worker: not tried: no job publishes there" in done.out


@on_disk
def test_what_an_interpreter_says_before_it_fails_shows_no_known_secret(
    bench: Bench, polarpod: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = bench.root / "python"
    python.write_text('#!/bin/sh\necho "cannot sign in with $DB_PASSWORD" >&2; exit 1\n')
    python.chmod(0o755)
    plane = msgspec.structs.replace(bench.plane, python=str(python), environment={"DB_PASSWORD": "hunter2-of-doctor"})
    monkeypatch.setattr(type(bench), "plane", property(lambda _: plane))
    done = polarpod("doctor")
    assert "cannot sign in with ***" in done.out
    assert "hunter2" not in done.out + done.err
