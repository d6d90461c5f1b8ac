"""A plane kind is a folder, or a package of its own: nothing else is changed for it, and nothing asks which kind it is."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from polarpod.cli.main import cli
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.planes.registry import ENTRY_POINTS, kind_named, kind_names
from polarpod.launch.planes_file import load_planes

SOURCE = Path(__file__).parents[2] / "src" / "polarpod"
JOB = """
import polars as pl
from polarpod import Delta, job

@job(inputs={}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def made():
    return pl.LazyFrame({"id": [1]})
"""


@pytest.fixture
def third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project on a plane whose kind an installed package declares."""
    package = tmp_path / "packages" / "toy-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        f"[{ENTRY_POINTS}]\ntoy = tests.launch.toy_plane:KIND\nbroken = tests.launch.toy_plane:ABSENT\n"
        "misnamed = tests.launch.toy_plane:KIND\n"
    )
    monkeypatch.syspath_prepend(package.parent)
    project = tmp_path / "project"
    (project / "dags").mkdir(parents=True)
    (project / "dags/planes.yaml").write_text(
        "planes:\n  third: {kind: toy, state: ./state, jobs: ../jobs, greeting: hi, variables: {lake: ./lake}}\n"
    )
    (project / "jobs").mkdir()
    (project / "jobs/made.py").write_text(JOB)
    monkeypatch.chdir(project)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield project
    kind_named.cache_clear()


def polarpod(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--plane", "third"])


def test_a_run_on_a_third_kind_of_plane_ends_with_its_receipt(third: Path) -> None:
    done = polarpod("run", "made")
    assert (done.exit_code, "succeeded" in done.output) == (0, True), done.output
    (run,) = json.loads(polarpod("runs", "--json").stdout)
    assert "succeeded" in str(run)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["plan", "made", "--manifest"], "echo made", id="plan"),
        pytest.param(["doctor"], "echo: hi", id="doctor"),
        pytest.param(["gc"], "it still sounds", id="gc"),
    ],
)
def test_the_commands_ask_the_kind(words: list[str], says: str, third: Path) -> None:
    assert polarpod("run", "made").exit_code == 0
    done = polarpod(*words)
    assert (done.exit_code, says in done.output) == (0, True), done.output


def test_a_planes_file_is_held_to_the_keys_of_a_third_kind(third: Path) -> None:
    path = third / "dags/planes.yaml"
    path.write_text("planes:\n  third:\n    kind: toy\n    state: s\n    greeting: ''\n")
    with pytest.raises(PolarpodError) as wrong:
        load_planes(path)
    assert wrong.value.verdict.evidence == [f"{path}:5: plane 'third': it is empty"]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        pytest.param("broken", "has no attribute 'ABSENT'", id="that cannot be loaded"),
        pytest.param("misnamed", "its config must be a Plane with the tag 'misnamed'", id="under another name"),
    ],
)
def test_a_kind_that_cannot_be_used_is_told_with_its_entry_point(kind: str, says: str, third: Path) -> None:
    path = third / "dags/planes.yaml"
    path.write_text(f"planes:\n  third: {{kind: {kind}, state: s}}\n")
    with pytest.raises(PolarpodError) as wrong:
        load_planes(path)
    text = wrong.value.verdict.text()
    assert says in text
    assert "tests.launch.toy_plane" in text


def test_the_kinds_that_a_file_may_name_are_the_built_in_ones_and_those_of_packages(third: Path) -> None:
    assert kind_names() == ["process", "kubernetes", "broken", "misnamed", "toy"]


def test_no_code_outside_of_a_kinds_folder_asks_which_kind_a_plane_is() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                found += [f"{path.name}:{node.lineno}" for name in asked if name.endswith("Plane")]
    assert found == []
