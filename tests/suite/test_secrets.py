"""What a job lets slip in an exception is in no receipt, no verdict and no log."""

from __future__ import annotations

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk

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
