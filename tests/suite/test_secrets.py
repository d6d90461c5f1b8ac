"""What a job lets slip in an exception is in no receipt, no verdict and no log."""

from __future__ import annotations

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk
from tests.support.live import Live

pytestmark = on_disk

URL = "https://etl:hunter2-secret@db.example.org/?X-Amz-Signature=hunter2-secret"
JOBS = f"""
URL = "{URL}"

@job(inputs={{}}, output=Delta("{{lake}}/out", replace={{}}), memory="512Mi")
def raises():
    raise ConnectionError(f"cannot open {{URL}} with password='hunter2-secret'")

@job(inputs={{}}, output=Delta("{{lake}}/out", replace={{}}), memory="512Mi")
def raises_in_a_query():
    def call(frame):
        raise ConnectionError(f"cannot open {{URL}}")
    return pl.LazyFrame({{"id": [1]}}).map_batches(call, schema={{"id": pl.Int64}})

@job(inputs={{}}, output=Delta("{{lake}}/out", replace={{}}), memory="512Mi")
def exits():
    raise SystemExit(f"cannot open {{URL}}")
"""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("raises", id="in-the-function"),
        pytest.param("raises_in_a_query", id="in-the-query"),
        pytest.param("exits", id="in-an-exit"),
    ],
)
def test_a_secret_in_an_exception_is_kept_by_nobody(bench: Bench, name: str) -> None:
    ran = bench.fails(name, "job_failed", "cannot open", "***", "db.example.org")
    kept = [bench.read_bytes(f"_state/{path}") for path in bench.files("_state")]
    assert any(b"db.example.org" in document for document in kept)
    assert not any(b"hunter2" in document for document in [*kept, ran.log])


PRINTING_JOB = """
import os, subprocess, sys

@job(inputs={}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def prints():
    password = os.environ["DB_PASSWORD"]
    print("to the one stream:", password)
    print("to the other:", password, file=sys.stderr)
    subprocess.run(["/bin/sh", "-c", 'echo "from a process: $DB_PASSWORD"'], check=True)
    os.write(1, b"in parts: " + password[:5].encode())
    os.write(1, password[5:].encode() + b"\\n")
    print(os.environ["SIGNING_KEY"])
    return pl.LazyFrame({"id": [1]})
"""


def test_the_value_of_a_credential_variable_is_masked_by_the_worker_itself(bench: Bench) -> None:
    bench.write_job(PRINTING_JOB)
    bench.extra_environment = {"DB_PASSWORD": "p@ss/w rd+9Zq77", "SIGNING_KEY": "Erste Zeile\nZweite Zeile"}
    live = Live(bench, "prints")
    log = live.end().log
    for line in ("to the one stream: ***", "to the other: ***", "from a process: ***", "in parts: ***"):
        assert line in log.decode()
    assert not any(part in log for part in (b"p@ss", b"9Zq77", b"Zeile"))


AWKWARD = 'p@ss/w"rd+9Zq77'
QUOTING_JOBS = """
import os
from urllib.parse import quote

def password():
    return os.environ["DB_PASSWORD"]

@job(inputs={}, output=Delta("{lake}/out", append=True), memory="512Mi")
def adds_a_column():
    return pl.LazyFrame({"id": [1], password(): [1]})

@job(inputs={}, output=Parquet("{lake}/out2", replace={}), memory="512Mi")
def names_a_column():
    return pl.LazyFrame({password(): [object()]})

@job(inputs={}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def asks_for_a_column():
    return pl.LazyFrame({"id": [1]}).select(pl.col(password()))

@job(inputs={}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def casts_it():
    return pl.LazyFrame({"id": [password()]}).select(pl.col("id").cast(pl.Int64))

@job(inputs={}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def quotes_it():
    raise ValueError(f"cannot open h/{quote(password(), safe='')} with {password()!r}")
"""


@pytest.mark.parametrize("name", ["adds_a_column", "names_a_column", "asks_for_a_column", "casts_it", "quotes_it"])
def test_the_value_of_a_credential_variable_is_kept_by_nobody(bench: Bench, name: str) -> None:
    bench.write_job(QUOTING_JOBS)
    bench.extra_environment = {"DB_PASSWORD": AWKWARD}
    bench.put_delta("out", pl.DataFrame({"id": [0]}))
    ran = bench.run(name)
    assert not ran.verdict.succeeded
    assert "***" in ran.verdict.text()
    kept = [bench.read_bytes(f"_state/{path}") for path in bench.files("_state")]
    for document in [*kept, ran.log, ran.verdict.text().encode()]:
        assert not any(part in document for part in (b"p@ss/w", b"p%40ss", b"9Zq77"))
