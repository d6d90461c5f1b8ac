"""Reading, writing, creating, swapping and deleting documents, the same in every store."""

from __future__ import annotations

import pytest

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Folder, put_once

KEYS = [
    "plain",
    "deep/er/x.json",
    "a b.txt",
    "ü/ñ.txt",
    "日本",
    "100%",
    "a%20b",
    "a#b",
    "ds=2013-02-01/x",
    "a'b\"c",
    "q?&=+",
]


def test_of_a_folder_that_is_not_there_everything_is_missing_and_nothing_fails(folder: Folder) -> None:
    assert folder.read("a") is None
    assert folder.head("a") is None
    assert folder.list() == []
    assert folder.list("deep") == []
    assert folder.children() == []
    assert folder.swap("a", b"new", expected="seen") is False
    folder.delete(["a"])
    assert folder.list() == []


@pytest.mark.parametrize("key", [pytest.param(key, id=key) for key in KEYS])
def test_a_document_lives_under_its_key_whatever_is_in_it(folder: Folder, key: str) -> None:
    assert folder.create(key, b"one") is True
    document = folder.read(key)
    assert document
    assert document.data == b"one"
    assert [entry.key for entry in folder.list()] == [key]
    head = folder.head(key)
    assert head
    assert (head.key, head.size) == (key, 3)
    assert folder.swap(key, b"three", expected=document.tag) is True
    assert folder.read(key) != document
    folder.delete([key])
    assert folder.read(key) is None


def test_an_empty_document_is_a_document(folder: Folder) -> None:
    folder.write("empty", b"")
    found = folder.read("empty")
    assert found
    assert found.data == b""


def test_create_writes_only_where_nothing_is(folder: Folder) -> None:
    assert folder.create("key", b"first") is True
    assert folder.create("key", b"second") is False
    found = folder.read("key")
    assert found
    assert found.data == b"first"


def test_write_replaces(folder: Folder) -> None:
    folder.write("key", b"first")
    folder.write("key", b"second")
    found = folder.read("key")
    assert found
    assert found.data == b"second"


def test_swap_replaces_only_what_was_read(folder: Folder) -> None:
    folder.write("key", b"one")
    seen = folder.read("key")
    assert seen
    folder.write("key", b"two")
    assert folder.swap("key", b"three", expected=seen.tag) is False
    now = folder.read("key")
    assert now
    assert now.data == b"two"
    assert folder.swap("key", b"three", expected=now.tag) is True


def test_swap_for_nothing_is_create(folder: Folder) -> None:
    assert folder.swap("key", b"one", expected=None) is True
    assert folder.swap("key", b"two", expected=None) is False


@pytest.mark.parametrize("key", [pytest.param("key", id="beside others"), pytest.param("gone/with/its/folder", id="alone")])
def test_what_was_deleted_since_it_was_read_cannot_be_swapped(folder: Folder, key: str) -> None:
    folder.write("other", b"")
    folder.write(key, b"one")
    seen = folder.read(key)
    assert seen
    folder.delete([key])
    assert folder.swap(key, b"two", expected=seen.tag) is False
    assert folder.read(key) is None


def test_a_tag_changes_with_the_content_and_comes_back_with_it(folder: Folder) -> None:
    tags = []
    for data in (b"one", b"two", b"one"):
        folder.write("key", data)
        document = folder.read("key")
        assert document
        tags.append(document.tag)
    assert tags[0] == tags[2] != tags[1]


def test_deleting_what_is_gone_is_fine(folder: Folder) -> None:
    folder.write("a", b"")
    folder.write("b", b"")
    folder.delete(["a", "never", "b"])
    folder.delete(["a"])
    assert folder.list() == []


def test_below_a_document_there_is_nothing(folder: Folder) -> None:
    folder.write("file", b"")
    assert folder.read("file/x") is None
    assert folder.head("file/x") is None
    assert folder.list("file") == []


def test_putting_once_is_fine_twice_with_the_same_bytes_and_refused_with_others(folder: Folder) -> None:
    assert put_once(folder, "receipt.json", b"one") is True
    assert put_once(folder, "receipt.json", b"one") is True
    assert put_once(folder, "receipt.json", b"two") is False


@pytest.mark.parametrize("key", [pytest.param(key, id=ascii(key)) for key in ("../out", "a//b", "a/./b", "tab\tx", "nul\0")])
def test_a_key_that_would_leave_the_folder_or_cannot_be_one_is_refused(folder: Folder, key: str) -> None:
    folder.write("a", b"")
    with pytest.raises(PolarpodError, match="is not a name that an object store takes") as caught:
        folder.read(key)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
