"""What is below a folder, the same in every store."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarpod.store.folder import Folder


def test_the_list_is_in_key_order_and_knows_sizes(folder: Folder) -> None:
    for key in ("b", "a/2", "a/10", "c"):
        folder.write(key, b"x" * len(key))
    assert [(entry.key, entry.size) for entry in folder.list()] == [("a/10", 4), ("a/2", 3), ("b", 1), ("c", 1)]


def test_a_prefix_is_a_folder_not_the_beginning_of_a_name(folder: Folder) -> None:
    for key in ("run/a", "run/b/c", "runs", "run-2/a"):
        folder.write(key, b"")
    assert [entry.key for entry in folder.list("run")] == ["run/a", "run/b/c"]
    assert folder.list("ru") == []


def test_children_are_the_folders_directly_below(folder: Folder) -> None:
    for key in ("jobs/b/1/x", "jobs/a/x", "jobs/a b/x", "jobs/file", "else/x"):
        folder.write(key, b"")
    assert folder.children() == ["else", "jobs"]
    assert folder.children("jobs") == ["a", "a b", "b"]
    assert folder.children("jobs/nobody") == []


@pytest.mark.parametrize("lake", [pytest.param(name, id=name) for name in ("local", "versitygw")], indirect=True)
def test_a_listing_of_thousands_is_whole(folder: Folder) -> None:
    # S3 hands out a thousand keys a page
    keys = [f"part-{number:05d}" for number in range(1100)]
    for key in keys:
        folder.write(key, b"")
    assert [entry.key for entry in folder.list()] == keys


def test_a_link_to_nowhere_is_not_there_and_a_link_to_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert [(entry.key, entry.size) for entry in Folder(str(tmp_path)).list()] == [("file", 5), ("link", 5)]


@pytest.mark.parametrize("form", [pytest.param(form, id=form) for form in ("{}", "{}/", "file://{}", "file://localhost{}/")])
def test_every_spelling_of_a_local_folder_is_the_same_folder(form: str, tmp_path: Path) -> None:
    (tmp_path / "document").touch()
    found = Folder(form.format(tmp_path))
    assert found.uri == str(tmp_path)
    assert [entry.key for entry in found.list()] == ["document"]
