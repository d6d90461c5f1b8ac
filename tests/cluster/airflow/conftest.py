"""Tasks whose pods are real: these tests need `make cluster`, and run in Airflow's environments."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.airflow.environment import HAS_AIRFLOW, HOME
from tests.airflow.shop import write_release

collect_ignore_glob = [] if HAS_AIRFLOW else ["test_*.py"]

if HAS_AIRFLOW:
    from tests.cluster.airflow.yard import JOBS, Yard, missing, namespace


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[None]:
    """AIRFLOW_HOME, gone at the end."""
    yield
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("release") / "release.json", jobs=JOBS)


@pytest.fixture(scope="session")
def yards() -> Iterator[str]:
    """The namespace that all tests share."""
    if lacks := missing():
        if os.environ.get("POLARPOD_CLUSTER_REQUIRED") == "1":
            pytest.fail(lacks, pytrace=False)
        pytest.skip(lacks)
    with namespace() as name:
        yield name


@pytest.fixture
def yard(yards: str, tmp_path: Path, release: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setattr("polarpod.launch.run.pause_seconds", lambda verdict, spent: 0.0)
    # taken from the plane's file by each run, as on a fresh worker
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("POLARPOD_RELEASE", str(release))
    monkeypatch.setenv("POLARPOD_PLANES", str(tmp_path / "planes.yaml"))
    found = Yard(yards, tmp_path, release)
    yield found
    found.clear()


@pytest.fixture(autouse=True)
def no_secret_is_said(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """However a task ends: neither its log nor an exception shows the plane's environment, or a Secret's."""
    yield
    said = "".join(capfd.readouterr())
    assert [word for word in ("of-the-plane-4411", "of-the-secret-5523") if word in said] == []
