"""Files and programs that a command is pointed at: a wrong one is the caller's mistake, told with its path."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from polarpod.cli import release
from polarpod.cli.main import cli
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.specs import from_jobs, from_release


def test_an_interpreter_that_cannot_be_started_names_the_key_of_the_plane(tmp_path: Path) -> None:
    with pytest.raises(PolarpodError) as caught:
        from_jobs(tmp_path, python=str(tmp_path / "python"), cache=None)
    verdict = caught.value.verdict
    assert verdict.category is Category.REQUEST_INVALID
    assert verdict.evidence == [f"{tmp_path / 'python'}: No such file or directory"]
    assert verdict.remedy == "Set `python` of the plane to an interpreter that has polarpod[worker]."


@pytest.mark.parametrize("data", [b"{", b"\xff", b"{}", b'{"protocol": "9.0"}'])
def test_a_damaged_release_is_the_callers_mistake_and_not_tried_again(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "release.json"
    path.write_bytes(data)
    with pytest.raises(PolarpodError) as caught:
        from_release(path)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert str(path) in str(caught.value.verdict.evidence)


@pytest.mark.parametrize("output", ["folder", "file/x.json", ".", "/proc/x.json"])
def test_a_release_that_cannot_be_written_is_told(tmp_path: Path, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(release, "from_jobs", lambda *_, **__: from_jobs_of_none())
    found = CliRunner().invoke(cli, ["release", "-o", output])
    assert found.exit_code == 2, found.output
    assert "the release document cannot be written" in found.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def from_jobs_of_none() -> object:
    from polarpod.launch.specs import Specs

    return Specs({}, [], "0" * 12, "jobs")


def test_a_release_document_does_not_take_the_place_of_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "device").symlink_to("/dev/null")
    found = CliRunner().invoke(cli, ["release", "-o", "device"])
    assert (found.exit_code, "device: not a regular file" in found.output) == (2, True), found.output
    assert (tmp_path / "device").is_char_device()


@pytest.mark.parametrize("kind", ["a pipe", "a socket"])
def test_a_release_document_is_not_waited_for_in_a_pipe(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    if kind == "a pipe":
        os.mkfifo("there")
    else:
        with socket.socket(socket.AF_UNIX) as there:
            there.bind("there")
    found = CliRunner().invoke(cli, ["release", "-o", "there"])
    assert (found.exit_code, "there: not a regular file" in found.output) == (2, True), found.output
    assert not (tmp_path / "there").is_file()


@pytest.mark.parametrize("home", ["a file", "a folder that is not there"])
def test_jobs_are_read_where_nothing_can_be_remembered(home: str, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "a file").touch()
    cache = tmp_path / home / "specs" if home == "a file" else tmp_path / home
    for _ in range(2):
        assert from_jobs(tmp_path / "jobs", python=None, cache=cache).jobs == {}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["show", "/"], 2, "no run matches '/'", id="show the root"),
        pytest.param(["show", "../.."], 2, "no run matches '../..'", id="show what is above"),
        pytest.param(["show", "a/../../x"], 2, "no run matches 'a/../../x'", id="show a way out"),
        pytest.param(["show", ""], 2, "no run matches ''", id="show nothing"),
        pytest.param(["logs", "/etc/passwd"], 2, "no run matches '/etc/passwd'", id="logs of a file"),
        pytest.param(["logs", "x", "--tail", "0"], 2, "0 is not in the range", id="no lines"),
        pytest.param(["undo", "//"], 2, "no run matches '//'", id="undo nothing"),
        pytest.param(["runs", "../.."], 0, "no runs of '../..' in", id="runs of what is above"),
        pytest.param(["runs", "é\n"], 0, "no runs of 'é\\n' in", id="runs of an absurd name"),
        pytest.param(["runs"], 0, "polarpod: no runs in", id="runs of an empty store"),
        pytest.param(["runs", "-n", "0"], 2, "0 is not in the range", id="no runs"),
        pytest.param(["runs", "-n", "-1"], 2, "-1 is not in the range", id="fewer than no runs"),
        pytest.param(["jobs", "--jobs", "/nope"], 2, "there is no jobs directory", id="jobs of no directory"),
        pytest.param(["jobs", "--jobs", "file"], 2, "there is no jobs directory", id="jobs of a file"),
        pytest.param(["release", "--jobs", "/nope"], 2, "there is no jobs directory", id="release of no directory"),
        pytest.param(["plan", "../x"], 2, "'../x'", id="plan of what is above"),
        pytest.param(["run", ""], 2, "no job ''", id="run of nothing"),
        pytest.param(["runs", "--planes", "file/x"], 2, "file/x", id="planes below a file"),
        pytest.param(["runs", "--planes", "."], 2, "planes", id="planes that are a folder"),
        pytest.param(["runs", "--plane", "../x"], 2, "'../x'", id="an absurd plane"),
        pytest.param(["run", "x", "--release", "file/x"], 2, "release document cannot be read", id="release below a file"),
    ],
)
def test_an_absurd_argument_is_answered_in_words(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "file").touch()
    found = CliRunner().invoke(cli, arguments)
    assert (found.exit_code, words in found.output) == (code, True), found.output
    assert "Error: " not in found.output.replace("Error: Invalid value", "")


def test_a_state_below_a_file_is_told_by_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / ".polarpod").touch()
    for arguments in (["runs"], ["gc"], ["show", "x"], ["logs", "x"], ["undo", "x"], ["plan", "x"], ["run", "x"]):
        found = CliRunner().invoke(cli, arguments)
        assert found.exit_code == 2, found.output
        assert f"the plane's state cannot be in {tmp_path}/.polarpod/state: {tmp_path}/.polarpod is not" in found.output
