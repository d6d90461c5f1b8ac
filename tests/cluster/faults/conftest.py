"""A cluster that is broken on purpose: these tests want it to themselves, so they come after all others, in one process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.cluster.faults.node import Node
from tests.cluster.faults.oracle import Oracle
from tests.cluster.faults.yard import PLANE, FaultBench, Yard, source
from tests.kill.scenes import furnish
from tests.support.kind import Kind

SEED = os.environ.get("POLARPOD_FAULT_SEED") or str(int.from_bytes(os.urandom(3), "big"))
_TOLD: list[str] = []


@pytest.fixture(scope="session")
def seed() -> str:
    return SEED


@pytest.fixture(scope="module")
def yard(site: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
        pytest.skip("faults hit everybody in the cluster: run tests/cluster/faults by itself, without -n")
    root = tmp_path_factory.mktemp("faults")
    with site.lake() as lake, pytest.MonkeyPatch.context() as patch:
        for name, value in lake.environment.items():
            patch.setenv(name, value)
        bench = FaultBench(
            root=root / "workshop",
            lake=lake.uri,
            storage=lake.storage,
            environment=lake.environment,
            site=site,
            plane_name=PLANE,
            cache=root / "specs",
        )
        furnish(bench)
        bench.write_job(source())
        made = Yard(bench, site, Node(), Oracle(root / "oracle"))
        yield made
        _TOLD.append(f"seed {SEED}; again with POLARPOD_FAULT_SEED={SEED}")
        _TOLD.extend(
            f"{kind:<10} {sum(n for what, n in seen.items() if ':' not in what):>3} faults  "
            + ", ".join(f"{what} {n}" for what, n in sorted(seen.items()))
            for kind, seen in made.seen.items()
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _TOLD:
        terminalreporter.section("faults")
        for line in _TOLD:
            terminalreporter.write_line(line)
