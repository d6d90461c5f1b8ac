"""Jobs that return, raise or leave in ways they should not: whose line it was, and nothing published."""

from __future__ import annotations

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk

pytestmark = on_disk

JOBS = """
import os, sys

OUT = Delta("{lake}/out", replace={})


@job(inputs={}, output=OUT, memory="512Mi")
def frame():
    return pl.DataFrame({"id": [1]})

@job(inputs={}, output=OUT, memory="512Mi")
def nothing():
    pl.LazyFrame({"id": [1]})

@job(inputs={}, output=OUT, memory="512Mi")
def pair():
    return pl.LazyFrame({"id": [1]}), 1

@job(inputs={}, output=OUT, memory="512Mi")
def raises():
    amounts = {}
    return amounts["no such"]

@job(inputs={}, output=OUT, memory="512Mi")
def exits():
    sys.exit(3)

@job(inputs={}, output=OUT, memory="512Mi")
def leaves():
    os._exit(0)

@job(inputs={}, output=OUT, memory="512Mi")
def aborts():
    os.abort()

@job(inputs={}, output=OUT, memory="512Mi")
def unknown_column():
    return pl.LazyFrame({"amount": [1]}).select(pl.col("amuont"))

@job(inputs={}, output=OUT, memory="512Mi")
def divides():
    return pl.LazyFrame({"id": [0]}).with_columns(pl.col("id").map_elements(lambda n: 1 // n, return_dtype=pl.Int64))

@job(inputs={}, output=OUT, memory="512Mi")
def divides_in_batches():
    def halve(frame):
        return frame.with_columns(half=frame["id"].sum() // 0)
    return pl.LazyFrame({"id": [0]}).map_batches(halve, schema={"id": pl.Int64, "half": pl.Int64})

@job(inputs={}, output=OUT, memory="512Mi")
def wrong_type():
    return pl.LazyFrame({"id": ["x"]}).with_columns(pl.col("id").cast(pl.Int64))

@job(inputs={}, output=OUT, memory="512Mi")
def lies_about_its_schema():
    return pl.LazyFrame({"id": [1]}).map_batches(lambda frame: frame, schema={"id": pl.String})

@job(inputs={}, output=OUT, memory="512Mi")
def recursive():
    return recursive.transform()

@job(inputs={}, output=OUT, memory="512Mi")
def talkative():
    for number in range(20_000):
        print(f"line {number:06}", "x" * 50)
    print("no line break at the end", end="")
    return pl.LazyFrame({"id": [1]})

@job(inputs={}, output=OUT, memory="512Mi")
def closes_its_streams():
    sys.stdout.close(); sys.stderr.close()
    os.close(1)
    return pl.LazyFrame({"id": [1]})

@job(inputs={}, output=OUT, memory="512Mi")
def unprintable():
    class Odd(Exception):
        def __str__(self):
            raise ValueError("no words")
    raise Odd
"""


@pytest.mark.parametrize(
    ("name", "category", "words"),
    [
        pytest.param("frame", "job_returned_wrong", ["polars.dataframe.frame.DataFrame", "frame.lazy()"], id="a-frame"),
        pytest.param("nothing", "job_returned_wrong", ["returned NoneType", "Return the LazyFrame"], id="nothing"),
        pytest.param("pair", "job_returned_wrong", ["returned tuple"], id="a-tuple"),
        pytest.param("raises", "job_failed", ["KeyError: 'no such'", 'return amounts["no such"]'], id="an-exception"),
        pytest.param("exits", "job_failed", ["sys.exit(3)"], id="sys-exit"),
        pytest.param("leaves", "job_crashed", ["exit code 0 without a word", "os._exit"], id="os-exit"),
        pytest.param("aborts", "job_crashed", ["SIGABRT"], id="an-abort"),
        pytest.param("unknown_column", "job_failed", ["amuont"], id="an-unknown-column"),
        pytest.param("divides", "job_failed", ["ZeroDivisionError", "job.py"], id="division-by-zero"),
        pytest.param("divides_in_batches", "job_failed", ["ZeroDivisionError", "job.py"], id="division-in-batches"),
        pytest.param("wrong_type", "job_failed", ["conversion from `str` to `i64` failed", '"x"'], id="a-cast"),
        pytest.param("lies_about_its_schema", "job_failed", ["id"], id="a-wrong-schema"),
        pytest.param("recursive", "job_failed", ["RecursionError"], id="endless-recursion"),
        pytest.param("unprintable", "job_failed", ["Odd"], id="an-unprintable-exception"),
    ],
)
def test_a_job_that_goes_wrong_is_told_where(bench: Bench, name: str, category: str, words: list[str]) -> None:
    bench.fails(name, category, *words)


def test_a_job_may_print_a_megabyte_and_its_last_words_are_kept(bench: Bench) -> None:
    ran = bench.run("talkative")
    assert ran.verdict.succeeded, ran.verdict.text()
    assert 1024 < len(ran.log) <= 64 * 1024
    assert b"line 019999" in ran.log
    assert ran.log.rstrip(b"\n").endswith(b"no line break at the end")


def test_a_job_that_closes_its_streams_still_publishes(bench: Bench) -> None:
    assert bench.publish("closes_its_streams").rows == 1
