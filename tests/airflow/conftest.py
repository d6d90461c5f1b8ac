"""Airflow, set up for tests, and a shop to run jobs for. Runs in Airflow's environments, which have no Polars."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.airflow.environment import HAS_AIRFLOW, HOME
from tests.airflow.shop import Shop, write_release

collect_ignore_glob = [] if HAS_AIRFLOW else ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[Path]:
    """AIRFLOW_HOME, gone at the end."""
    yield Path(HOME)
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Airflow's metadata database, for tests that run whole DAGs."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release document of tests/airflow/jobs, as `polarpod release` writes it."""
    return write_release(tmp_path_factory.mktemp("release") / "release.json")


@pytest.fixture
def shop(tmp_path: Path, release: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with a day of sales, and a plane that its DAGs find."""
    shop = Shop(tmp_path, release)
    monkeypatch.setenv("POLARPOD_PLANES", str(shop.planes))
    monkeypatch.setenv("POLARPOD_RELEASE", str(shop.release))
    return shop


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that failed is given half a minute to mend; here it has nothing to mend."""
    monkeypatch.setattr("polarpod.launch.run.pause_seconds", lambda verdict, spent: 0.0)
