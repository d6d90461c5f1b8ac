"""Object stores that cannot be reached, or say no: which of the two, for which place, within seconds."""

from __future__ import annotations

import socket

import msgspec
import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on
from tests.suite.verdicts import explains

from polarpod.launch.listener import Listener
from polarpod.launch.planes.registry import launcher_of
from polarpod.launch.run import Clock, record

JOBS = (
    copying("copied", 'Parquet("{lake}/orders/*.parquet")')
    + copying("from_table", 'Delta("{lake}/table")')
    + copying("to_nowhere", 'Parquet("{lake}/orders/*.parquet")', 'Delta("{elsewhere}/out", replace={})')
)
on_s3 = on("versitygw", "moto")
with_keys = on("versitygw")
NAMES = [pytest.param("copied", id="files"), pytest.param("from_table", id="table")]


def closed_endpoint() -> str:
    with socket.socket() as short:
        short.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{short.getsockname()[1]}"


def put_inputs(bench: Bench) -> None:
    bench.put("orders/a.parquet", pl.DataFrame({"id": [1]}))
    bench.put_delta("table", pl.DataFrame({"id": [1]}))


@pytest.mark.timeout(15)
@pytest.mark.parametrize("name", NAMES)
@with_keys
def test_a_store_that_cannot_be_reached_is_told_by_the_launcher(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = bench.storage
    bench.storage = msgspec.structs.replace(reachable, endpoint_url=closed_endpoint())
    monkeypatch.setattr(Bench, "visible", lambda _: {})
    bench.fails(name, "storage_unavailable", bench.lake, bench.storage.endpoint_url or "", "endpoint")


@pytest.mark.timeout(30)
@on_s3
def test_a_worker_that_cannot_reach_the_store_says_so_by_its_exit_code(bench: Bench) -> None:
    put_inputs(bench)
    context, _ = bench.prepare("copied")
    before = bench.visible()
    lost = msgspec.structs.replace(context, storage=msgspec.structs.replace(context.storage, endpoint_url=closed_endpoint()))
    ended = launcher_of(bench.plane).run(lost, msgspec.json.encode(lost), Listener())
    ran = record(context, ended, bench.state, Clock())
    # it could not even leave its receipt; the launcher has its exit code and its log
    assert ran.receipt is None
    explains(ran.verdict, "storage_unavailable", "before it could write a receipt", "Its log says more")
    assert b"polarpod: storage_unavailable: could not create" in ran.log
    assert b"Traceback" not in ran.log
    assert bench.visible() == before


@pytest.mark.parametrize("name", NAMES)
@with_keys
def test_a_wrong_secret_is_told_by_the_launcher(bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put_inputs(bench)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    monkeypatch.setattr(Bench, "visible", lambda _: {})
    ran = bench.fails(name, "storage_denied", bench.lake, "credentials")
    assert "not-the-secret" not in ran.verdict.text()


@with_keys
def test_a_worker_with_a_wrong_secret_says_so_by_its_exit_code(bench: Bench) -> None:
    put_inputs(bench)
    bench.extra_environment = {"AWS_SECRET_ACCESS_KEY": "not-the-secret"}
    before = bench.visible()
    ran = bench.run("copied")
    assert ran.receipt is None
    explains(ran.verdict, "storage_denied", "before it could write a receipt")
    assert b"polarpod: storage_denied: not allowed to" in ran.log
    assert b"not-the-secret" not in ran.log
    assert bench.visible() == before


@on_s3
def test_a_bucket_that_is_not_there_is_named(bench: Bench) -> None:
    put_inputs(bench)
    bench.variables["elsewhere"] = f"{bench.lake}-no-such"
    bench.fails(
        "to_nowhere",
        "request_invalid",
        f"could not open the Delta table {bench.lake}-no-such/out: the bucket does not exist",
    )
    bench.lake = f"{bench.lake}-no-such"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bench, "visible", lambda _: {})
        bench.fails("copied", "request_invalid", "the bucket does not exist", "NoSuchBucket", bench.lake)
