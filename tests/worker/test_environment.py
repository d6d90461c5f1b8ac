"""What a job can see of the place it runs in: what it was given, and nothing of the caller's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

TELL = """
say("told", json.dumps({"environment": dict(os.environ), "cwd": os.getcwd(), "path": sys.path}))
"""
GIVEN = {"PATH", "LANG", "HOME", "TMPDIR", "GREETING"}
# set by the shell that enters the cgroup, by an interpreter without a locale, and by Polars at its import
UNAVOIDABLE = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE", "_RJEM_MALLOC_CONF"}


@pytest.fixture
def told(workshop: Workshop, write_job: JobWriter, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What a job saw that was started from a rich environment."""
    for name in ("SECRET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.setenv(name, f"the caller's {name}")
    monkeypatch.setenv("PYTHONPATH", "/the/callers/path")
    monkeypatch.setenv("POLARS_MAX_THREADS", "77")
    workshop.extra_environment = {"GREETING": "hello"}
    workshop.environment_from = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
    write_job(TELL, cpu=2)
    assert workshop.run("work").verdict.succeeded
    return json.loads((workshop.root / "told").read_text())


def test_only_what_was_given_is_there(told: dict[str, dict[str, str]]) -> None:
    named = {name for name in told["environment"] if not name.startswith(("POLARPOD_", "POLARS_"))}
    assert named - UNAVOIDABLE == GIVEN | {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert told["environment"]["GREETING"] == "hello"
    assert told["environment"]["AWS_SECRET_ACCESS_KEY"] == "the caller's AWS_SECRET_ACCESS_KEY"


def test_the_callers_secrets_are_nowhere_in_it(told: dict[str, object]) -> None:
    assert os.environ["SECRET"] not in json.dumps(told)


def test_polars_is_told_the_jobs_size_and_not_the_callers(told: dict[str, dict[str, str]]) -> None:
    assert told["environment"]["POLARS_MAX_THREADS"] == "2"


def test_its_home_is_its_scratch_directory(told: dict[str, object], workshop: Workshop) -> None:
    environment = told["environment"]
    assert isinstance(environment, dict)
    assert environment["HOME"] == environment["TMPDIR"] == told["cwd"]
    assert Path(environment["HOME"]).parent == workshop.root / "scratch"
    assert workshop.leftovers() == []


def test_modules_come_from_the_interpreter_and_the_jobs_only(told: dict[str, list[str]], workshop: Workshop) -> None:
    assert told["path"][0] == str(workshop.jobs)
    assert "/the/callers/path" not in told["path"]
    assert not {"", ".", told["cwd"]} & set(told["path"])
