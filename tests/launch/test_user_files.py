"""Files and programs that a command is pointed at: a wrong one is the caller's mistake, told with its path."""

from __future__ import annotations

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
