"""Each command once, as its user sees it: tables for people, JSON for programs, the category's exit code."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on_disk
from tests.suite.terminal import Terminal

pytestmark = on_disk

JOBS = (
    copying("daily_revenue", 'Parquet("{lake}/orders.parquet")', 'Delta("{lake}/out", replace={"day": "{day}"})')
    + (copying("from_folder", 'Parquet("{lake}/folder")'))
    + (
        '@job(inputs={}, output=Delta("{lake}/other", append=True), memory="512Mi")\n'
        "def fails():\n"
        '    """Always fails."""\n'
        "    print('about to fail')\n"
        "    return 1 // 0\n"
    )
)
DAY = ("--param", "day=mon")


@pytest.fixture(autouse=True)
def orders(bench: Bench) -> None:
    bench.put("orders.parquet", pl.DataFrame({"id": [1, 2], "day": ["mon", "mon"]}))


def test_jobs_are_listed_with_what_they_need(polarpod: Terminal) -> None:
    said = polarpod("jobs")
    assert said.code == 0
    for word in ("daily_revenue", "day", "orders", "replace Delta", "1 cpu, 512 MiB", "Always fails."):
        assert word in said.out
    assert sorted(polarpod("jobs", "--json").json["jobs"]) == ["daily_revenue", "fails", "from_folder"]


def test_a_broken_module_is_told_beside_the_jobs_that_work(polarpod: Terminal, bench: Bench) -> None:
    bench.write_job("limit = 1 / 0\n", module="broken")
    said = polarpod("jobs")
    assert (said.code, "daily_revenue" in said.out) == (10, True)
    assert "polarpod: job_import_failed: the job module 'broken' fails to import: ZeroDivisionError" in said.err
    assert polarpod("jobs", "--json").code == 10
    assert polarpod("release", "-o", "release.json").code == 10
    assert not Path("release.json").exists()


def test_a_plan_tells_all_and_changes_nothing(polarpod: Terminal, bench: Bench) -> None:
    before = bench.files("")
    said = polarpod("plan", "daily_revenue", *DAY)
    assert said.code == 0
    for word in ("run key day-mon-", "orders", f"{bench.lake}/orders.parquet", "publishes  replace", "512 MiB, 1 cpu"):
        assert word in said.out
    found = polarpod("plan", "daily_revenue", *DAY, "--json").json
    assert (found["inputs"]["orders"]["rows"], found["would_skip"]) == (2, False)
    assert bench.files("") == before
    polarpod("run", "daily_revenue", *DAY)
    assert "would skip" in polarpod("plan", "daily_revenue", *DAY).out


def test_what_a_folder_input_leaves_out_is_said_by_plan_and_by_show(polarpod: Terminal, bench: Bench) -> None:
    for name in ("a.parquet", "_SUCCESS", "readme.txt"):
        bench.put_bytes(f"folder/{name}", bench.read_bytes("orders.parquet"))
    words = (
        "orders: left out: 1 file (hidden: the name begins with _ or .): _SUCCESS",
        "orders: left out: 1 file (other names than the format's files have): readme.txt",
    )
    bench.put_bytes("folder/B.PARQ", bench.read_bytes("orders.parquet"))
    assert polarpod("plan", "from_folder", "--json").json["inputs"]["orders"]["rows"] == 4
    planned = polarpod("plan", "from_folder")
    left_out = polarpod("plan", "from_folder", "--json").json["inputs"]["orders"]["left_out"]
    assert [left["first"] for left in left_out] == [["_SUCCESS"], ["readme.txt"]]
    ran = polarpod("run", "from_folder", "--json").json
    assert ran["receipt"]["inputs"]["orders"]["left_out"] == left_out
    shown = polarpod("show", f"from_folder/{ran['receipt']['run_key']}")
    for word in words:
        assert word in planned.out
        assert word in shown.out


def test_a_run_is_run_skipped_forced_and_found_again(polarpod: Terminal) -> None:
    said = polarpod("run", "daily_revenue", *DAY)
    assert said.code == 0, said.err
    assert "succeeded: published" in said.out
    assert "published  2 rows" in said.out
    assert "attempt 1: uid " in said.err
    skipped = polarpod("run", "daily_revenue", *DAY, "--json").json
    assert (skipped["verdict"]["category"], skipped["attempts"]) == ("skipped", 0)
    forced = polarpod("run", "daily_revenue", *DAY, "--force", "--json").json
    assert (forced["receipt"]["attempt"]["number"], forced["receipt"]["published"]["version"]) == (2, 1)
    run = f"daily_revenue/{forced['receipt']['run_key']}"
    listed = polarpod("runs")
    assert listed.code == 0
    for word in (run, "succeeded", forced["receipt"]["attempt"]["uid"][:8]):
        assert word in listed.out
    assert [each["attempt"] for each in polarpod("runs", "daily_revenue", "--json").json] == [2]
    shown = polarpod("show", run)
    assert (shown.code, "also       attempt 1" in shown.out) == (0, True)
    assert polarpod("show", forced["receipt"]["attempt"]["uid"][:10], "--json").json["receipt"] == forced["receipt"]


def test_a_failure_ends_with_its_category_s_code_and_words(polarpod: Terminal) -> None:
    said = polarpod("run", "fails")
    assert said.code == 11
    assert "polarpod: job_failed: the job's code failed: ZeroDivisionError" in said.err
    assert "  evidence: job.py:" in said.err
    assert "  what to do: Mend the line shown last." in said.err
    assert "  | about to fail" in said.err
    failed = polarpod("run", "fails", "--json")
    assert (failed.code, failed.json["verdict"]["category"]) == (11, "job_failed")
    [found] = polarpod("runs", "fails", "--json").json
    shown = polarpod("show", found["uid"])
    assert (shown.code, "job_failed" in shown.out, "  | about to fail" in shown.out) == (0, True, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["run", "daily_revenu"], ["no job 'daily_revenu'", "Did you mean 'daily_revenue'?"], id="job"),
        pytest.param(["run", "daily_revenue"], ["missing: day", "it takes: day"], id="missing-parameter"),
        pytest.param(["plan", "daily_revenue", "-p", "day"], ["'day' is not a parameter"], id="no-value"),
        pytest.param(["run", "daily_revenue", "-p", "day=1", "-p", "day=2"], ["given twice"], id="twice"),
        pytest.param(["show", "nonsense"], ["no run matches 'nonsense'", "`polarpod runs` lists them"], id="run"),
        pytest.param(["jobs", "--jobs", "nowhere"], ["there is no jobs directory", "nowhere"], id="directory"),
        pytest.param(["run", "x", "--release", "no.json"], ["release document cannot be read", "no.json"], id="release"),
    ],
)
def test_a_mistake_is_answered_with_exit_code_2_and_a_way_out(
    polarpod: Terminal, arguments: list[str], words: list[str]
) -> None:
    said = polarpod(*arguments)
    assert said.code == 2
    assert said.err.startswith("polarpod: request_invalid: ")
    assert not [word for word in (*words, "what to do: ") if word not in said.err], said.err


def test_a_release_runs_as_the_directory_does(polarpod: Terminal) -> None:
    said = polarpod("release", "-o", "dags/release.json")
    assert (said.code, "dags/release.json: 3 jobs, code " in said.out) == (0, True)
    assert sorted(json.loads(Path("dags/release.json").read_text())["jobs"]) == ["daily_revenue", "fails", "from_folder"]
    assert polarpod("run", "daily_revenue", *DAY, "--release", "dags/release.json").code == 0


def test_a_release_that_says_the_same_is_the_same_document(polarpod: Terminal) -> None:
    released = Path("dags/release.json")
    polarpod("release", "-o", str(released), "--image", "jobs:1")
    first = released.read_bytes()
    polarpod("release", "-o", str(released), "--image", "jobs:1")
    assert released.read_bytes() == first
    polarpod("release", "-o", str(released), "--image", "jobs:2")
    assert json.loads(released.read_text())["image"] == "jobs:2"


@pytest.mark.parametrize("shell", [pytest.param(name, id=name) for name in ("bash", "zsh", "fish")])
def test_completion_is_a_script(polarpod: Terminal, shell: str) -> None:
    said = polarpod("completion", shell)
    assert (said.code, "_POLARPOD_COMPLETE" in said.out) == (0, True)
