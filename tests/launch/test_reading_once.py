"""A DAG file of 300 tasks asks for its planes and its release 300 times: both are read once a change."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from polarpod.contract.codec import encode
from polarpod.contract.release import Release
from polarpod.contract.verdict import PolarpodError
from polarpod.launch import planes_file, specs
from polarpod.launch.planes_file import choose_plane, load_planes
from polarpod.launch.specs import from_release

PLANES = "planes: {laptop: {kind: process, state: ./state, variables: {lake: '${LAKE}'}}}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "planes.yaml"
    path.write_text(PLANES)
    return path


def test_planes_that_did_not_change_are_not_parsed_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_planes(file, {"LAKE": "./one"})
    monkeypatch.setattr(planes_file.yaml, "compose", None)
    monkeypatch.setattr(yaml, "safe_load", None)
    assert load_planes(file, {"LAKE": "./one"}) == first


def test_a_change_of_the_same_length_within_the_same_moment_is_seen(file: Path) -> None:
    for name in ("one", "two", "one"):
        file.write_text(PLANES.replace("laptop", name))
        assert list(load_planes(file, {"LAKE": "x"})) == [name]


def test_another_environment_is_another_plane(file: Path) -> None:
    lakes = [load_planes(file, {"LAKE": lake})["laptop"].variables["lake"] for lake in ("s3://a", "s3://b", "s3://a")]
    assert lakes == ["s3://a", "s3://b", "s3://a"]
    assert load_planes(file, {}).names == ["laptop"]
    assert "laptop" in load_planes(file, {}).unset


def test_who_changes_the_planes_he_got_changes_nobody_elses(file: Path) -> None:
    load_planes(file, {"LAKE": "x"}).clear()
    load_planes(file, {}).unset.clear()
    assert list(load_planes(file, {"LAKE": "x"})) == ["laptop"]
    assert list(load_planes(file, {}).unset) == ["laptop"]


def test_a_refusal_that_is_remembered_keeps_no_frames(file: Path) -> None:
    depths = set()
    for _ in range(3):
        with pytest.raises(PolarpodError) as refused:
            choose_plane(load_planes(file, {}), "laptop", source=str(file))
        depths.add(len(refused.traceback))
    assert len(depths) == 1


def test_a_file_that_is_gone_is_not_remembered(file: Path) -> None:
    load_planes(file, {"LAKE": "x"})
    file.unlink()
    with pytest.raises(PolarpodError, match="cannot be read"):
        load_planes(file, {"LAKE": "x"})


def test_relative_places_follow_the_current_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        folder = file.parent / name
        folder.mkdir()
        (folder / "planes.yaml").write_text(PLANES)
        monkeypatch.chdir(folder)
        assert load_planes(Path("planes.yaml"), {"LAKE": "x"})["laptop"].state == str(folder / "state")


def test_a_release_is_decoded_once_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "release.json"
    for version in ("a" * 32, "b" * 32):
        path.write_bytes(encode(Release(code_version=version, created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), jobs={})))
        assert from_release(path).code_version == version
    monkeypatch.setattr(specs, "decode", None)
    assert from_release(path).code_version == "b" * 32
