"""The contract suite: what a job's author and its readers may rely on, on every plane and every object store.

Written once against `Bench`. By itself its plane is `process`, on a folder and two S3 servers. With
POLARPOD_SUITE_PLANE=kind, as `make test-cluster` sets it, it is `kind`, against the S3 server in the cluster.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.object_store import Lake, StartServer, lake_on
from tests.suite.bench import Bench
from tests.suite.terminal import polarpod  # noqa: F401  # a fixture
from tests.support.machine import Machine
from tests.support.site import Site

FOLDER = Path(__file__).parent
STORES = ("local", "versitygw", "moto")
IN_CLUSTER = os.environ.get("POLARPOD_SUITE_PLANE") == "kind"
if IN_CLUSTER:
    # its one namespace, and its word on what is missing
    from tests.cluster.conftest import pytest_runtest_setup, pytest_sessionstart, site  # noqa: F401


# What a pod alone shows: how a worker ends, what it may use, what is left of it. Of the other files, which are about rows
# and words, a push runs one test a file in a pod; on the process plane it runs them all.
ONLY_A_POD_SHOWS = {
    "test_full_disks",
    "test_gc",
    "test_held_workers",
    "test_kills",
    "test_last_words",
    "test_live_progress",
    "test_memory",
    "test_stopping",
    "test_sudden_ends",
    "test_what_jobs_leave_running",
}


def on(*stores: str) -> pytest.MarkDecorator:
    """What does not depend on the store is tested on fewer of them."""
    return pytest.mark.stores(*stores)


on_disk = on("local")
not_in_a_pod = pytest.mark.not_in_a_pod


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "lake" not in metafunc.fixturenames:
        return
    if IN_CLUSTER:
        mark = metafunc.definition.get_closest_marker("not_in_a_pod")
        skip = [pytest.mark.skip(reason=f"not in a pod: {mark.args[0]}")] if mark else []
        metafunc.parametrize(("plane", "lake"), [pytest.param("kind", "kind", marks=skip, id="kind")], indirect=True)
        return
    chosen = metafunc.definition.get_closest_marker("stores")
    stores = chosen.args if chosen else STORES
    each = [pytest.param("process", store, id=f"process-{store}") for store in stores]
    metafunc.parametrize(("plane", "lake"), each, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before the tests are shuffled and chosen from."""
    if not IN_CLUSTER:
        return
    there: set[str] = set()
    for item in items:
        module = item.path.stem
        if item.path.parent != FOLDER or module in ONLY_A_POD_SHOWS or item.get_closest_marker("skip"):
            continue
        if module in there:
            item.add_marker("thorough")
        there.add(module)


@pytest.fixture
def plane(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lake(request: pytest.FixtureRequest, start_s3_server: StartServer, tmp_path: Path) -> Iterator[Lake]:
    if request.param == "kind":
        with request.getfixturevalue("site").lake() as made:
            yield made
    else:
        yield lake_on(request.param, start_s3_server, tmp_path)


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
    site: Site = Machine() if plane == "process" else request.getfixturevalue("site")
    made = Bench(
        root=tmp_path / "workshop",
        lake=lake.uri,
        storage=lake.storage,
        environment=lake.environment,
        site=site,
        plane_name=plane,
        cache=specs_cache,
    )
    if source := getattr(request.module, "JOBS", ""):
        made.write_job(source)
    yield made
    assert not made.leftovers(), "nothing of an attempt outlives it: no scratch directory, no pod"
