"""The contract suite: what a job's author and its readers may rely on, on every plane and every object store.

Written once against `Bench`; a new plane joins by its name in `plane`, and has to pass all of it as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.object_store import Lake
from tests.suite.bench import Bench
from tests.suite.terminal import polarpod  # noqa: F401  # a fixture


@pytest.fixture(params=[pytest.param("process", id="process")])
def plane(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def specs_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What jobs directories declare, remembered for all tests: most files use one source, and reading it takes a second."""
    return tmp_path_factory.getbasetemp() / "specs"


@pytest.fixture
def bench(
    plane: str,
    lake: Lake,
    tmp_path: Path,
    specs_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Bench]:
    """A workshop on one plane and one store, with the jobs that the test's module has in JOBS."""
    for name, value in lake.environment.items():
        monkeypatch.setenv(name, value)  # as the workshop does, but taken back afterwards
    made = Bench(
        root=tmp_path / "workshop",
        lake=lake.uri,
        storage=lake.storage,
        environment=lake.environment,
        plane_name=plane,
        cache=specs_cache,
    )
    if source := getattr(request.module, "JOBS", ""):
        made.write_job(source)
    yield made
    assert not made.leftovers(), "an attempt's scratch directory is gone with it"


on_disk = pytest.mark.parametrize("lake", ["local"], indirect=True)
