"""Airflow, set up for tests, and a shop to run jobs for. Runs in Airflow's environments, which have no Polars."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

# Without Airflow there is nothing to test here: `make test-airflow` has two environments that have it. (A folder that is
# called airflow, as this one, has a spec too, but no origin.)
_spec = find_spec("airflow")
collect_ignore_glob = [] if _spec and _spec.origin else ["test_*.py"]

# Airflow reads its configuration when it is first imported, so all of it is said before that; nothing of the caller's counts
_HOME = tempfile.mkdtemp(prefix="polarpod-airflow-tests-")
for _name in [name for name in os.environ if name.startswith(("AIRFLOW", "POLARPOD_")) and name != "POLARPOD_WORKER_PYTHON"]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": _HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": f"{_HOME}/dags",
    "AIRFLOW__CORE__FERNET_KEY": "",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}

from tests.airflow.shop import Shop, write_release  # noqa: E402  # after the configuration


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[Path]:
    """AIRFLOW_HOME, gone at the end."""
    yield Path(_HOME)
    shutil.rmtree(_HOME, ignore_errors=True)


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
