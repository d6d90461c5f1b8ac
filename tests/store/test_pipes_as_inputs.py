"""A pipe, a socket or a device as an input, or among the files of one: never opened, which would wait for ever, and never
left out in silence."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from polarpod import Csv
from polarpod.contract.context import Storage
from polarpod.contract.receipt import LeftOut
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.listing import Listing, list_input


def a_socket(path: Path) -> None:
    # a socket's name may have 100 bytes or so
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def a_link_to_a_pipe(path: Path) -> None:
    pipe = path.with_name("_pipe")
    os.mkfifo(pipe)
    path.symlink_to(pipe)


odd = pytest.mark.parametrize(
    "make",
    [
        pytest.param(os.mkfifo, id="a pipe"),
        pytest.param(a_socket, id="a socket"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), id="a device"),
        pytest.param(a_link_to_a_pipe, id="a link to a pipe"),
    ],
)
Make = Callable[[Path], None]


def listed(folder: Path, pattern: str = "") -> Listing:
    return list_input("orders", Csv(str(folder / pattern)), Storage())


@odd
def test_an_input_that_is_no_file_is_named_and_not_opened(make: Make, tmp_path: Path) -> None:
    make(tmp_path / "p.csv")
    with pytest.raises(PolarpodError, match="input 'orders' is not a regular file") as caught:
        list_input("orders", Csv(str(tmp_path / "p.csv")), Storage())
    assert caught.value.verdict.category is Category.INPUT_UNREADABLE
    assert caught.value.verdict.evidence == [str(tmp_path / "p.csv")]


@odd
@pytest.mark.parametrize("pattern", ["", "*.csv", "**/*"], ids=["folder", "glob", "any depth"])
@pytest.mark.parametrize("place", ["p.csv", "day=1/p.csv"], ids=["at its root", "below"])
def test_one_among_an_inputs_files_that_would_be_read_is_refused(
    make: Make, pattern: str, place: str, tmp_path: Path
) -> None:
    if pattern == "*.csv":
        place = "p.csv"
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    (tmp_path / place).parent.mkdir(exist_ok=True)
    make(tmp_path / place)
    with pytest.raises(PolarpodError, match="input 'orders' has pipes, sockets or devices in the place of files") as caught:
        listed(tmp_path, pattern)
    assert caught.value.verdict.category is Category.INPUT_UNREADABLE
    assert caught.value.verdict.evidence == [str(tmp_path / place)]


@odd
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("app.sock", "other names than the format's files have", id="another name"),
        pytest.param("_p.csv", "hidden: the name begins with _ or .", id="a hidden name"),
    ],
)
def test_one_that_would_not_be_read_is_left_out_by_its_name(make: Make, name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    make(tmp_path / name)
    found = listed(tmp_path)
    assert found.files == (str(tmp_path / "a.csv"),)
    assert name in {first for left in found.left_out if left.reason == reason for first in left.first}


def test_what_a_glob_does_not_match_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    os.mkfifo(tmp_path / "p.txt")
    assert listed(tmp_path, "*.csv").left_out == ()


def test_a_link_to_nothing_with_another_name_is_left_out_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    (tmp_path / "latest.txt").symlink_to(tmp_path / "nowhere")
    (left,) = listed(tmp_path).left_out
    assert left == LeftOut(reason="other names than the format's files have", files=1, first=["latest.txt"])
