"""Job modules that cannot be imported, or contradict themselves: told with the line in the author's file."""

from __future__ import annotations

import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on_disk

from polarpod.launch import describe_jobs

pytestmark = on_disk

DECLARED = '@job(inputs={}, output=Delta("{lake}/out", replace={})'
NAMED = 'def tidy():\n    return pl.LazyFrame({"id": [1]})\n'


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("def tidy(:\n", ["SyntaxError", "def tidy(:"], id="syntax"),
        pytest.param("import no_such_package\n", ["ModuleNotFoundError", "no_such_package", "import no_such"], id="import"),
        pytest.param("limit = 1 / 0\n", ["ZeroDivisionError", "limit = 1 / 0"], id="exception"),
        pytest.param("import sys\nsys.exit(4)\n", ["SystemExit", "sys.exit(4)"], id="exit"),
        pytest.param("raise KeyboardInterrupt\n", ["fails to import: KeyboardInterrupt"], id="interrupt"),
        pytest.param('raise ValueError("password=hunter2-secret")\n', ["ValueError", "***"], id="secret"),
        pytest.param(f"{DECLARED}, memory='lots')\n{NAMED}", ["declares a job wrongly", "'lots' is not"], id="memory"),
        pytest.param(f"{DECLARED}, cpu=-1)\n{NAMED}", ["declares a job wrongly", "cpu"], id="cpu"),
        pytest.param(f"{DECLARED})\ndef tidy(x):\n    return x\n", ["does not take the inputs it declares"], id="inputs"),
        pytest.param('@job(inputs={}, output=Delta("{lake}/out"))\n' + NAMED, ["in exactly one way"], id="no-mode"),
        pytest.param('@job(inputs={}, output=Delta("{Lake}", append=True))\n' + NAMED, ["has a brace"], id="brace"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why_and_where(bench: Bench, source: str, words: list[str]) -> None:
    bench.write_job(source, module="tidy")
    ran = bench.fails("tidy", "job_import_failed", "module 'tidy'", *words)
    assert ran.attempts == 0
    assert "hunter2" not in ran.verdict.text()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("import os\nos._exit(0)\n", ["exit code 0"], id="an exit"),
        pytest.param("import os\nos.abort()\n", ["killed by signal 6"], id="a crash"),
        pytest.param("import time\ntime.sleep(1000)\n", ["still busy after 10 s", 'broken.py", line 6'], id="a hang"),
        pytest.param("while True:\n    pass\n", ["still busy after 10 s", 'broken.py", line'], id="a loop"),
    ],
)
def test_a_module_that_ends_or_hangs_its_interpreter_is_named_and_costs_the_others_nothing(
    bench: Bench, source: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describe_jobs, "_MODULE_SECONDS", 10)
    bench.write_job(source, module="broken")
    bench.write_job(f"{DECLARED}, memory='512Mi')\n{NAMED}", module="tidy")
    bench.fails("broken", "job_import_failed", "the job module 'broken' does not come to its end", *words)
    assert bench.publish("tidy").rows == 1


def test_one_broken_module_does_not_stop_the_jobs_of_the_others(bench: Bench) -> None:
    bench.write_job("limit = 1 / 0\n", module="broken")
    bench.write_job(f"{DECLARED}, memory='512Mi')\n{NAMED}", module="tidy")
    assert bench.publish("tidy").rows == 1


def test_a_job_that_two_modules_declare_is_refused_with_both_names(bench: Bench) -> None:
    bench.write_job(copying("tidy", 'Parquet("{lake}/a")'), module="first")
    bench.write_job(copying("tidy", 'Parquet("{lake}/b")'), module="second")
    bench.fails("tidy", "job_import_failed", "two modules declare a job 'tidy'", "first", "second", "Rename one")


def test_an_unknown_job_is_answered_with_the_likely_one(bench: Bench) -> None:
    bench.write_job(copying("daily_revenue", 'Parquet("{lake}/a")'))
    words = ("there is no job 'dayly_revenue'", "daily_revenue", "Did you mean 'daily_revenue'?")
    assert bench.fails("dayly_revenue", "request_invalid", *words).attempts == 0
