"""What is said where a store refuses or cannot be reached: whose fault it is decides whether a run is tried again."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fixtures.object_store import Lake

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Csv
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Folder
from polarpod.store.listing import list_input

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Permissions mean nothing to root: does something as somebody to whom they do."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that may be read but not written, with another inside that may not even be entered."""
    # not tmp_path, whose parents let nobody else in
    root = Path(tempfile.mkdtemp(prefix="polarpod-closed-"))
    (root / "document").write_bytes(b"there")
    (root / "inner").mkdir()
    (root / "inner" / "a.csv").write_bytes(b"a\n1\n")
    (root / "inner").chmod(0o000)
    root.chmod(0o555)
    yield root
    root.chmod(0o755)
    (root / "inner").chmod(0o755)
    shutil.rmtree(root)


@pytest.mark.parametrize(
    ("verb", "act"),
    [
        pytest.param("write", lambda folder: folder.write("new", b""), id="write"),
        pytest.param("write", lambda folder: folder.write("document", b""), id="overwrite"),
        pytest.param("create", lambda folder: folder.create("new", b""), id="create"),
        pytest.param("create", lambda folder: folder.create("deep/er", b""), id="create a folder"),
        pytest.param("swap", lambda folder: folder.swap("document", b"", expected="x"), id="swap"),
        pytest.param("delete", lambda folder: folder.delete(["document"]), id="delete"),
        pytest.param("list", lambda folder: folder.list(), id="list"),
        pytest.param("list", lambda folder: folder.list("inner"), id="list a closed folder"),
        pytest.param("read", lambda folder: folder.read("inner/a.csv"), id="read in a closed folder"),
        pytest.param("look at", lambda folder: folder.head("inner/a.csv"), id="look into a closed folder"),
    ],
)
def test_a_folder_that_refuses_is_denied_not_unavailable(closed: Path, verb: str, act: Callable[[Folder], object]) -> None:
    with as_nobody(), pytest.raises(PolarpodError) as caught:
        act(Folder(str(closed)))
    verdict = caught.value.verdict
    assert verdict.category is Category.STORAGE_DENIED
    assert verdict.summary.startswith(f"not allowed to {verb} {closed}/")
    assert "denied" in verdict.evidence[0]
    assert "access to this place" in verdict.remedy


@pytest.mark.parametrize(
    "below", [pytest.param("inner", id="closed"), pytest.param("inner/deeper", id="below a closed one")]
)
def test_a_folder_that_may_not_be_entered_is_not_taken_for_an_empty_one(closed: Path, below: str) -> None:
    with as_nobody(), pytest.raises(PolarpodError, match="storage_denied: not allowed to"):
        Folder(str(closed / below)).read("document")
    with as_nobody(), pytest.raises(PolarpodError, match="storage_denied: not allowed to"):
        list_input("orders", Csv(str(closed / "inner" / "*.csv")), Storage())


def test_reading_needs_no_right_to_write(closed: Path) -> None:
    with as_nobody():
        found = Folder(str(closed)).read("document")
    assert found
    assert found.data == b"there"


def test_a_folder_that_cannot_be_made_because_a_file_is_there_is_the_requests(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PolarpodError, match="request_invalid: could not create") as caught:
        Folder(str(tmp_path / "file")).write("a", b"")
    assert "Name another place" in caught.value.verdict.remedy


def test_a_name_longer_than_the_file_system_takes_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PolarpodError, match="request_invalid") as caught:
        Folder(str(tmp_path / ("x" * 300))).read("a")
    assert "name too long" in str(caught.value).lower()


def test_a_store_that_nobody_answers_for_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with pytest.raises(PolarpodError, match="storage_unavailable: could not read s3://lake/a/b") as caught:
        Folder("s3://lake/a", Storage(endpoint_url="http://127.0.0.1:1", allow_http=True)).read("b")
    assert "endpoint, region and bucket are right" in caught.value.verdict.remedy


@pytest.mark.parametrize("lake", [pytest.param("versitygw", id="versitygw")], indirect=True)
def test_wrong_credentials_are_denied_and_not_shown(reachable: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    with pytest.raises(PolarpodError, match="storage_denied: not allowed to read") as caught:
        Folder(reachable.uri, reachable.storage).read("a")
    assert "correct its credentials" in caught.value.verdict.remedy
    assert "wJalrXUt" not in str(caught.value)


@pytest.mark.parametrize("lake", [pytest.param("versitygw", id="versitygw")], indirect=True)
def test_a_bucket_that_is_not_there_is_the_requests_fault(reachable: Lake) -> None:
    with pytest.raises(
        PolarpodError, match="could not write s3://no-such-bucket-here/a: the bucket does not exist"
    ) as caught:
        Folder("s3://no-such-bucket-here", reachable.storage).write("a", b"")
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert "bucket" in caught.value.verdict.remedy
