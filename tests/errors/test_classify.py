"""Whose fault a failure was, where the job's own code was running or nobody's rule holds.

Excluded: errors about inputs, outputs and stores, see test_classify_inputs.py and its neighbours.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.classify import classify, user_frames

FRAME = pl.LazyFrame({"a": [1, 2], "b": ["x", "y"]})

JOB = """\
import sys
import polars as pl

class Odd(Exception):
    def __str__(self):
        raise RuntimeError("not even this")

def parse(value):
    return int(f"n{value}")

def at_once(lf):
    return lf.select(parse(1))

def in_map_batches(lf):
    return lf.map_batches(lambda frame: parse(2), streamable=True)

def in_map_elements(lf):
    return lf.select(pl.col("a").map_elements(parse, return_dtype=pl.Int64))

def missing_column_at_once(lf):
    return lf.select("nope").collect().lazy()

def own_file(lf):
    return lf.join(pl.LazyFrame({"a": [open("/no/such/lookup.csv").read()]}), on="a")

def in_a_library(lf):
    import json
    return json.loads("{bad")

def recursion(lf):
    return recursion(lf)

def speechless(lf):
    raise Odd()

def chained(lf):
    try:
        parse(3)
    except ValueError as error:
        raise LookupError("no rate for the day") from error

def several(lf):
    try:
        parse(4)
    except ValueError as error:
        raise ExceptionGroup("two tasks", [error, ExceptionGroup("within", [LookupError("no rate")])])

def from_several(lf):
    try:
        several(lf)
    except ExceptionGroup as error:
        raise RuntimeError("enough") from error

def out_of_memory(lf):
    raise ExceptionGroup("two tasks", [MemoryError(), MemoryError()])

def leaves(lf):
    sys.exit(3)

def leaves_from_a_row(lf):
    return lf.select(pl.col("a").map_elements(lambda value: sys.exit("enough"), return_dtype=pl.Int64))
"""


def run(transform: Any) -> None:
    pl.collect_all([transform(FRAME).sink_parquet("/dev/null", lazy=True)])


@pytest.mark.parametrize(
    ("function", "words", "line"),
    [
        pytest.param("at_once", "ValueError: invalid literal", "in parse: return int(", id="while it is called"),
        pytest.param("in_map_batches", "ValueError: invalid literal", "in parse: return int(", id="in map_batches"),
        pytest.param("in_map_elements", "ValueError: invalid literal", "in parse: return int(", id="in map_elements"),
        pytest.param("missing_column_at_once", 'unable to find column "nope"', "collect()", id="a query of its own"),
        pytest.param("own_file", "No such file", "/no/such/lookup.csv", id="a file of its own is no input"),
        pytest.param("in_a_library", "JSONDecodeError", "return json.loads(", id="in a library it called"),
        pytest.param("recursion", "RecursionError", "return recursion(lf)", id="endless recursion"),
        pytest.param("speechless", "Odd", "raise Odd()", id="an exception without words"),
        pytest.param("chained", "LookupError: no rate", "from error", id="an exception raised from another"),
    ],
)
def test_a_failing_line_of_the_job_is_shown(caught: Any, job_module: Any, function: str, words: str, line: str) -> None:
    module = job_module(JOB)
    verdict = classify(caught(lambda: run(getattr(module, function))), phase="stage")
    assert verdict.category is Category.JOB_FAILED
    assert words in verdict.summary
    assert verdict.evidence[-1].startswith("orders_job.py:")
    assert line in verdict.evidence[-1]
    assert sum("orders_job.py" in each for each in verdict.evidence) <= 3
    assert "line" in verdict.remedy


def test_the_exception_behind_a_chained_one_is_shown_too(caught: Any, job_module: Any) -> None:
    verdict = classify(caught(lambda: run(job_module(JOB).chained)), phase="transform")
    assert "caused by ValueError: invalid literal for int() with base 10: 'n3'" in verdict.evidence


@pytest.mark.parametrize("function", ["several", "from_several"])
def test_each_exception_of_a_group_is_shown_with_its_line(caught: Any, job_module: Any, function: str) -> None:
    verdict = classify(caught(lambda: run(getattr(job_module(JOB), function))), phase="transform")
    assert verdict.category is Category.JOB_FAILED
    assert "1 of 2: ValueError: invalid literal for int() with base 10: 'n4'" in verdict.evidence
    assert "2 of 2: LookupError: no rate" in verdict.evidence
    assert any(each.startswith("1 of 2: orders_job.py:") and "in parse" in each for each in verdict.evidence)
    if function == "several":
        assert "ValueError: invalid literal" in verdict.summary


def test_a_group_of_what_the_machine_did_is_not_the_jobs(caught: Any, job_module: Any) -> None:
    verdict = classify(caught(lambda: run(job_module(JOB).out_of_memory)), phase="transform")
    assert verdict.category is Category.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("function", "call"),
    [
        pytest.param("leaves", "sys.exit(3)", id="with a number"),
        pytest.param("leaves_from_a_row", "sys.exit('enough')", id="with a text, from a row"),
    ],
)
def test_leaving_the_process_is_a_failure_of_the_job(caught: Any, job_module: Any, function: str, call: str) -> None:
    verdict = classify(caught(lambda: run(getattr(job_module(JOB), function))), phase="stage")
    assert (verdict.category, verdict.summary) == (Category.JOB_FAILED, f"the job called {call}")
    assert "orders_job.py" in verdict.evidence[-1]


@pytest.mark.parametrize(
    ("source", "last"),
    [
        pytest.param("rates = {}\nrates['eur']\n", "orders_job.py:2 in <module>: rates['eur']", id="an exception"),
        pytest.param("import polars as pl\ndef job(:\n", "orders_job.py:2: def job(:", id="a syntax error"),
        pytest.param("import no_such_library\n", "orders_job.py:1 in <module>: import no_such_library", id="a library"),
        pytest.param("raise SystemExit\n", "orders_job.py:1 in <module>: raise SystemExit", id="leaving the process"),
    ],
)
def test_a_job_that_cannot_be_imported_shows_where(
    caught: Any, job_module: Any, tmp_path: Path, source: str, last: str
) -> None:
    error = caught(lambda: job_module(source))
    verdict = classify(error, phase="load")
    assert verdict.category is Category.JOB_IMPORT_FAILED
    assert verdict.evidence[-1] == last
    assert user_frames(error, tmp_path)[-1] == last
    assert user_frames(error, tmp_path / "elsewhere")[:1] == ([last] if isinstance(error, SyntaxError) else [])


@pytest.mark.parametrize(
    ("plan", "words", "where"),
    [
        pytest.param(lambda lf: lf.select("nope"), 'valid columns: ["a", "b"]', "step select", id="a missing column"),
        pytest.param(lambda lf: lf.select(pl.col("b") + pl.col("a")), "str and i64", "step select", id="a wrong type"),
        pytest.param(lambda lf: lf.select(pl.col("b").cast(pl.Int64)), "str` to `i64", 'col("b")', id="a failing cast"),
        pytest.param(lambda lf: lf.select(pl.col("b").str.json_decode(pl.Int64)), "JSON", "json_decode", id="bad JSON"),
        pytest.param(lambda lf: lf.select("a", pl.Series([1, 2, 3])), "non-equal length", "", id="lengths that differ"),
        pytest.param(lambda lf: lf.join(pl.concat([lf, lf]), on="a", validate="1:1"), "1:1", "", id="a join not 1:1"),
        pytest.param(lambda lf: lf.map_batches(lambda frame: 5), "DataFrame", "", id="a function returning nonsense"),
    ],
)
def test_a_failing_expression_is_shown_without_the_plan(caught: Any, plan: Any, words: str, where: str) -> None:
    verdict = classify(caught(lambda: run(plan)), phase="stage")
    assert verdict.category is Category.JOB_FAILED
    assert words in verdict.evidence[0]
    assert where in verdict.evidence[-1]
    assert "plan until failure" not in verdict.text()
    assert "FAILED HERE" not in verdict.text()


def test_a_verdict_of_our_own_passes_through_unchanged() -> None:
    error = PolarpodError(Category.DECIMAL_ROUNDING, "rounds", evidence=["here"], remedy="cast")
    assert classify(error, phase="transform") == error.verdict


@pytest.mark.parametrize("phase", ["starting", "load", "scan", "transform", "stage", "check", "publish", "receipt", "?"])
def test_what_nothing_explains_is_a_fault_of_polarpod(caught: Any, phase: str) -> None:
    verdict = classify(caught(lambda: dict[str, str]()["uid"]), phase=phase)
    assert verdict.category is Category.INTERNAL_ERROR
    assert phase in verdict.summary
    assert verdict.evidence[0] == "KeyError: 'uid'"
    assert "open an issue" in verdict.remedy


def test_evidence_is_short_lines_without_credentials(caught: Any, job_module: Any) -> None:
    module = job_module("def f(lf):\n    raise ValueError('password=hunter2 ' + 'x\\n' * 5000)\n")
    verdict = classify(caught(lambda: run(module.f)), phase="transform")
    assert all(len(line) <= 500 and "\n" not in line for line in [verdict.summary, *verdict.evidence])
    assert "hunter2" not in verdict.text()


def test_importing_it_brings_no_heavy_library() -> None:
    names = "polars deltalake obstore dataframely"
    code = f"import sys, polarpod.runtime.classify; print([n for n in '{names}'.split() if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
