"""S3 as people have it: markers of folders, keys with empty parts, keys that end in a slash."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from tests.contract.samples import RECEIPT
from tests.fixtures.object_store import Lake
from tests.launch.kubernetes.attempts import CONTEXT
from tests.support.sweeping import delete, find_garbage

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt
from polarpod.contract.dataset import Csv, Delta, Parquet
from polarpod.contract.receipt import LeftOut
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.state import State
from polarpod.store.folder import Folder
from polarpod.store.listing import list_input

# versitygw keeps objects as files: it has no two keys that differ by a slash, and no empty parts
on_moto = pytest.mark.parametrize("lake", [pytest.param("moto", id="moto")], indirect=True)
on_servers = pytest.mark.parametrize("lake", [pytest.param(name, id=name) for name in ("moto", "versitygw")], indirect=True)
MARKERS = "empty objects that stand for folders"


def put(lake: Lake, objects: dict[str, bytes]) -> None:
    """Objects as other people's tools put them: obstore takes no such keys."""
    import boto3  # takes a third of a second, which only these tests pay

    client: Any = boto3.client("s3", endpoint_url=lake.storage.endpoint_url)
    for key, data in objects.items():
        client.put_object(Bucket=lake.uri.removeprefix("s3://"), Key=key, Body=data)


@on_servers
def test_markers_of_folders_are_no_files(reachable: Lake) -> None:
    put(
        reachable,
        {"in/": b"", "in/a.csv": b"1", "in/sub/": b"", "in/sub/b.csv": b"2", "in/none/": b"", "in/deep_$folder$": b""},
    )
    uri = f"{reachable.uri}/in"
    found = list_input("orders", Csv(uri), reachable.storage)
    assert found.files == (f"{uri}/a.csv", f"{uri}/sub/b.csv")
    found = list_input("orders", Csv(f"{uri}/*"), reachable.storage)
    assert found.files == (f"{uri}/a.csv",)
    assert [left.reason for left in found.left_out] == [MARKERS]
    assert set(found.left_out[0].first) <= {"deep_$folder$", "none"}


@on_moto
def test_a_marker_named_like_a_file_is_no_file_and_an_empty_file_is(reachable: Lake) -> None:
    put(reachable, {"in/a.csv/": b"", "in/b.csv": b"", "in/c.csv/": b"", "in/c.csv/part.csv": b"1"})
    uri = f"{reachable.uri}/in"
    found = list_input("orders", Csv(uri), reachable.storage)
    assert found.files == (f"{uri}/b.csv", f"{uri}/c.csv/part.csv")
    assert found.left_out == (LeftOut(reason=MARKERS, files=1, first=["a.csv"]),)


@on_moto
def test_a_file_that_is_only_named_like_a_marker_is_read(reachable: Lake) -> None:
    put(reachable, {"in/a_$folder$": b"1"})
    uri = f"{reachable.uri}/in/*"
    assert list_input("orders", Csv(uri), reachable.storage).files == (f"{reachable.uri}/in/a_$folder$",)


@on_moto
@pytest.mark.parametrize("marker", [pytest.param(b"", id="empty"), pytest.param(b"more", id="with content")])
def test_an_object_beside_its_own_name_with_a_slash_is_read_once(reachable: Lake, marker: bytes) -> None:
    put(reachable, {"in/a.csv": b"1", "in/a.csv/": marker})
    assert [(entry.key, entry.size) for entry in Folder(f"{reachable.uri}/in", reachable.storage).list()] == [("a.csv", 1)]


@on_moto
@pytest.mark.parametrize(
    "key", [pytest.param(key, id=ascii(key)) for key in ("in//b.csv", "in/../b.csv", "in/./b.csv", "in/\tb.csv")]
)
def test_a_key_that_no_client_reads_is_named_and_not_retried(reachable: Lake, key: str) -> None:
    put(reachable, {"in/a.csv": b"1", key: b"2"})
    folder = Folder(f"{reachable.uri}/in", reachable.storage)
    for ask in (folder.list, lambda: list_input("orders", Parquet(f"{folder.uri}/*"), reachable.storage)):
        with pytest.raises(PolarpodError, match="is a name that no object store client reads") as caught:
            ask()
        assert caught.value.verdict.category is Category.REQUEST_INVALID
        assert caught.value.verdict.evidence == [repr(key)]
        assert "store is up" not in caught.value.verdict.remedy


@on_moto
@pytest.mark.parametrize("place", ["in//b.csv", "/b.csv", "in//", "in//sub/b.csv"], ids=repr)
def test_a_place_with_an_empty_part_is_not_read_as_one_without(reachable: Lake, place: str) -> None:
    put(reachable, {"in/b.csv": b"a\n1\n", "in/sub/b.csv": b"a\n1\n", "b.csv": b"a\n1\n"})
    for kind in (Csv, Parquet, Delta):
        with pytest.raises(PolarpodError, match="has an empty part in its place") as caught:
            list_input("orders", kind(f"{reachable.uri}/{place}"), reachable.storage)
        assert caught.value.verdict.category is Category.REQUEST_INVALID
        assert caught.value.verdict.evidence == [f"{reachable.uri}/{place}"]
    found = list_input("orders", Csv(f"{reachable.uri}/in/"), reachable.storage)
    assert list(found.files) == [f"{reachable.uri}/in/b.csv", f"{reachable.uri}/in/sub/b.csv"]


@on_moto
def test_folders_beside_such_a_key_are_not_concerned(reachable: Lake) -> None:
    put(reachable, {"in//b.csv": b"2", "out/runs/a/x": b"1", "out/runs/b/": b"", "out/runs/": b""})
    folder = Folder(f"{reachable.uri}/out", reachable.storage)
    assert [entry.key for entry in folder.list()] == ["runs/a/x", "runs/b"]
    assert folder.children("runs") == ["a", "b"]


@on_moto
def test_of_a_folder_that_is_only_a_marker_nothing_is_listed(reachable: Lake) -> None:
    put(reachable, {"state/": b"", "state/claims/": b""})
    assert Folder(f"{reachable.uri}/state", reachable.storage).list("claims") == []
    assert Folder(f"{reachable.uri}/state/claims", reachable.storage).list() == []


@on_moto
@pytest.mark.parametrize(
    ("output", "keys", "file"),
    [
        pytest.param(
            Delta, ["out/_polarpod/staging/{uid}/", "out/{uid}/"], "out/_polarpod/staging/{uid}/0.parquet", id="Delta"
        ),
        pytest.param(Parquet, ["out/data/{uid}/", "out/data/{uid}/part=1/"], "out/data/{uid}/0.parquet", id="Parquet"),
    ],
)
def test_markers_of_folders_are_never_swept_and_files_beside_them_are(
    output: type[Delta | Parquet], keys: list[str], file: str, reachable: Lake
) -> None:
    uid = CONTEXT.attempt.uid
    job = msgspec.structs.replace(CONTEXT.job, output=output(f"{reachable.uri}/out", replace={}))
    context = msgspec.structs.replace(CONTEXT, job=job, attempt=Attempt(number=1, uid=uid))
    plane = ProcessPlane(state=f"{reachable.uri}/state", storage=reachable.storage)
    state = State(plane.state, plane.storage)
    state.claim(job.name, context.run_key, uid)
    state.put_context(context)
    failed = Verdict(category=Category.JOB_FAILED, summary="it failed")
    receipt = msgspec.structs.replace(RECEIPT, status="failed", verdict=failed, published=None, checks=None)
    state.folder.write(f"runs/{job.name}/{context.run_key}/{uid}/receipt.json", encode(receipt))
    later = context.created_at + dt.timedelta(days=9)
    put(reachable, {key.format(uid=uid): b"" for key in [*keys, "state/doctor/none/"]})
    assert find_garbage(state, plane.storage, now=later) == []

    put(reachable, {file.format(uid=uid): b"1"})
    found = find_garbage(state, plane.storage, now=later)
    assert [each.keys for each in found] == [[file.format(uid=uid).removeprefix("out/")]]
    delete(found, state, reachable.storage)
    assert find_garbage(state, plane.storage, now=later) == []
