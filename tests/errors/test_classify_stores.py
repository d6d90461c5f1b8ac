"""What is said when an object store does not do what it was asked.

The store is a local server that gives one answer; the clients are Polars', deltalake's and obstore's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import obstore
import polars as pl
import pytest
from deltalake import DeltaTable
from obstore.store import S3Store

from polarpod.contract.verdict import Category
from polarpod.runtime.classify import classify

KEYS = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab-secret", "aws_region": "us-east-1"}
ROWS = pl.LazyFrame({"a": [1]})


def polars_options(url: str) -> dict[str, Any]:
    return KEYS | {"aws_endpoint_url": url, "max_retries": 0, "retry_timeout_ms": 1000}


def read_polars(url: str) -> object:
    return pl.scan_parquet("s3://lake/raw/x.parquet", storage_options=polars_options(url)).collect()


def glob_polars(url: str) -> object:
    return pl.scan_parquet("s3://lake/raw/*.parquet", storage_options=polars_options(url)).collect()


def write_polars(url: str) -> None:
    ROWS.sink_parquet("s3://lake/out/x.parquet", storage_options=polars_options(url))


def open_delta(url: str) -> object:
    options = KEYS | {"aws_endpoint_url": url, "allow_http": "true", "max_retries": "0"}
    return DeltaTable("s3://lake/table", storage_options=options)


def read_obstore(url: str) -> object:
    store = S3Store(
        "lake",
        endpoint=url,
        access_key_id="lab",
        secret_access_key="lab-secret",
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
    )
    return obstore.get(store, "manifest.json")


CLIENTS = pytest.mark.parametrize(
    "use",
    [
        pytest.param(read_polars, id="Polars reads"),
        pytest.param(glob_polars, id="Polars lists"),
        pytest.param(write_polars, id="Polars writes"),
        pytest.param(open_delta, id="deltalake opens"),
        pytest.param(read_obstore, id="obstore reads"),
    ],
)
Use = Callable[[str], object]


@CLIENTS
@pytest.mark.parametrize(
    ("status", "code", "category"),
    [
        pytest.param(403, "AccessDenied", Category.STORAGE_DENIED, id="no right"),
        pytest.param(403, "SignatureDoesNotMatch", Category.STORAGE_DENIED, id="wrong secret"),
        pytest.param(400, "ExpiredToken", Category.STORAGE_DENIED, id="expired token"),
        pytest.param(404, "XAdminUserNotFound", Category.STORAGE_DENIED, id="unknown user, as versitygw says it"),
        pytest.param(503, "SlowDown", Category.STORAGE_UNAVAILABLE, id="too many requests"),
        pytest.param(500, "InternalError", Category.STORAGE_UNAVAILABLE, id="the store's own failure"),
    ],
)
def test_an_answer_of_the_store_is_understood_from_every_client(
    caught: Any, store: Any, use: Use, status: int, code: str, category: Category
) -> None:
    url = store(status, code)
    verdict = classify(caught(lambda: use(url)), phase="stage")
    assert verdict.category is category
    assert f"the store answered: about {code} ({code})" in verdict.evidence
    assert "\x1b" not in verdict.text()
    assert "Debug source" not in verdict.text()


@CLIENTS
def test_a_store_that_is_not_there_is_unavailable(caught: Any, use: Use) -> None:
    verdict = classify(caught(lambda: use("http://127.0.0.1:1")), phase="scan")
    assert verdict.category is Category.STORAGE_UNAVAILABLE
    assert "Connection refused" in verdict.text()


@pytest.mark.parametrize(
    ("use", "code", "category"),
    [
        pytest.param(read_polars, "NoSuchKey", Category.INPUT_MISSING, id="an object"),
        pytest.param(read_polars, "NoSuchBucket", Category.INPUT_MISSING, id="a bucket to read"),
        pytest.param(glob_polars, "NoSuchBucket", Category.INPUT_MISSING, id="a bucket to list"),
        pytest.param(write_polars, "NoSuchBucket", Category.REQUEST_INVALID, id="a bucket to write"),
    ],
)
def test_what_the_store_does_not_have_is_told_apart(
    caught: Any, store: Any, use: Use, code: str, category: Category
) -> None:
    url = store(404, code)
    verdict = classify(caught(lambda: use(url)), phase="stage")
    assert verdict.category is category
    assert ("bucket" in verdict.summary) == (code == "NoSuchBucket")


def test_the_object_that_failed_is_named_and_not_the_first_of_its_connection(caught: Any, store: Any) -> None:
    options = polars_options(store(404, "NoSuchKey"))
    names = ("first", "second")
    scans = [pl.scan_parquet(f"s3://lake/{name}.parquet", storage_options=options) for name in names]
    first, second = (classify(caught(scan.collect), phase="scan") for scan in scans)
    assert "first.parquet" in first.evidence[0]
    assert "second.parquet" in second.evidence[0]
    assert "first.parquet" not in second.text()


def test_a_job_that_meets_the_same_outage_is_not_blamed_for_it(caught: Any, job_module: Any, store: Any) -> None:
    module = job_module("import polars as pl\ndef f(**options):\n    pl.read_parquet('s3://b/x.parquet', **options)\n")
    options = polars_options(store(503, "SlowDown"))
    verdict = classify(caught(lambda: module.f(storage_options=options)), phase="transform")
    assert verdict.category is Category.STORAGE_UNAVAILABLE
    assert verdict.evidence[-1].startswith("orders_job.py:3 in f")


def test_a_refused_connection_of_the_jobs_own_is_the_jobs(caught: Any, job_module: Any) -> None:
    module = job_module("import socket\ndef f():\n    socket.create_connection(('127.0.0.1', 1))\n")
    assert classify(caught(module.f), phase="stage").category is Category.JOB_FAILED


def test_a_worker_without_an_identity_is_told_to_get_one(caught: Any, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    url = store(404)
    client = S3Store(
        "lake",
        endpoint=url,
        metadata_endpoint=url,
        region="us-east-1",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
    )
    verdict = classify(caught(lambda: obstore.get(client, "manifest.json")), phase="scan")
    assert verdict.category is Category.STORAGE_DENIED
    assert "no credentials" in verdict.summary


def test_an_endpoint_without_tls_has_to_be_allowed(caught: Any) -> None:
    client = S3Store("lake", endpoint="http://127.0.0.1:1", access_key_id="a", secret_access_key="b", region="x")
    verdict = classify(caught(lambda: obstore.get(client, "manifest.json")), phase="scan")
    assert verdict.category is Category.REQUEST_INVALID
    assert "allow_http" in verdict.remedy
