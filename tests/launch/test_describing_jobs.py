"""How long a jobs directory is read: each module has its time, all of them have one, and who was not read is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarpod.contract.verdict import PolarpodError
from polarpod.launch import describe_jobs
from polarpod.launch.describe_jobs import describe

HANG = "import threading\nthreading.Event().wait()\n"


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    folder.mkdir()
    for name in ("a", "b", "c", "d"):
        (folder / f"{name}.py").write_text("")
    return folder


def interpreter(folder: Path, script: str) -> str:
    """What stands in for Python: it prints what a reading prints, and may take its time for ever."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_modules_that_hang_are_each_named_with_their_line_and_the_others_are_read(
    jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describe_jobs, "_MODULE_SECONDS", 1)
    for name in ("b", "d"):
        (jobs / f"{name}.py").write_text(HANG)
    (jobs / "c.py").write_text("1 // 0\n")
    found = describe(jobs, None)
    assert [each.module for each in found.broken] == ["b", "d", "c"]
    for each in found.broken[:2]:
        assert each.verdict.summary == f"the job module {each.module!r} does not come to its end when it is imported"
        assert each.verdict.evidence[0] == "it was still busy after 1 s"
        assert any(f'{each.module}.py", line 2' in line for line in each.verdict.evidence)
    assert "ZeroDivisionError" in found.broken[2].verdict.summary


def test_one_deadline_covers_all_modules_and_what_came_to_its_end_by_then_is_read(
    jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describe_jobs, "_READING_SECONDS", 2)
    answer = '{"jobs": {}, "broken": []}'
    python = interpreter(
        tmp_path,
        f"""case "$*" in *" b c d") printf 'a\\n{answer}' ;; *) printf 'a\\nb\\n'; exec sleep 1000 ;; esac""",
    )
    found = describe(jobs, python)
    told = {each.module: each.verdict for each in found.broken}
    assert list(told) == ["b", "c", "d"]
    assert told["b"].evidence == ["it was still busy when the 2 s for the whole directory were over"]
    assert "does not come to its end" in told["b"].summary
    for name in ("c", "d"):
        assert told[name].summary == f"the job module {name!r} was not reached when the jobs directory was read"
        assert "Mend the modules that hang" in told[name].remedy


def test_an_interpreter_that_says_nothing_is_told_as_such(
    jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(describe_jobs, "_READING_SECONDS", 1)
    with pytest.raises(PolarpodError, match="the jobs directory could not be read") as caught:
        describe(jobs, interpreter(tmp_path, "exec sleep 1000"))
    assert "was still busy after 1 s" in caught.value.verdict.evidence[0]


def test_what_a_module_has_started_does_not_hold_the_reading_up(jobs: Path) -> None:
    (jobs / "a.py").write_text("import subprocess\nsubprocess.Popen(['sleep', '1000'])\n")
    assert describe(jobs, None).broken == []
