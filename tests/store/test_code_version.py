"""The version of a jobs directory's code: what counts, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarpod.store.code_version import code_version, sources


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "a.py").write_text("A = 1")
    (tmp_path / "b.py").write_text("B = 1")
    return tmp_path


def test_every_source_counts(jobs: Path) -> None:
    before = code_version(jobs)
    (jobs / "marts" / "a.py").write_text("A = 2")
    assert code_version(jobs) != before


def test_a_config_map_mounted_whole_is_the_directory_it_was_made_of(jobs: Path) -> None:
    before = code_version(jobs)
    # as the kubelet mounts it: a dated folder, a link to it, and a link for each file
    dated = jobs / "..2026_11_21_13_00_00.1"
    dated.mkdir()
    (jobs / "b.py").rename(dated / "b.py")
    (jobs / "..data").symlink_to(dated.name)
    (jobs / "b.py").symlink_to("..data/b.py")
    assert code_version(jobs) == before
    assert [path.name for path in sources(jobs)] == ["b.py", "a.py"]


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in (".venv", ".ipynb_checkpoints")])
def test_hidden_folders_do_not_count(jobs: Path, name: str) -> None:
    before = code_version(jobs)
    (jobs / name).mkdir()
    (jobs / name / "c.py").write_text("C = 1")
    assert code_version(jobs) == before
