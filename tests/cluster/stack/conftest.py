"""The local stack of `make up`, as a whole: these tests restart its parts, so they want it to themselves, in one process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from tests.cluster.stack.flight_oracle import FlightOracle
from tests.cluster.stack.local_stack import Stack, missing, required

# as many as one test may take that restarts what others wait for
_SECONDS = 1200


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if reason := missing():
        pytest.fail(reason, pytrace=False) if required() else pytest.skip(reason)
    if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
        pytest.skip("the stack is one for all: run tests/cluster/stack by itself, without -n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == item.session.config.rootpath / "tests/cluster/stack":
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        made = Stack()
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> FlightOracle:
    return FlightOracle(tmp_path_factory.mktemp("oracle"))


class Run(NamedTuple):
    """A run of the week's DAG that has ended well."""

    id: str
    days: list[str]


@pytest.fixture(scope="session")
def february(stack: Stack) -> Run:
    """The days that `make up` has landed."""
    days = ["2013-02-01", "2013-02-02", "2013-02-03"]
    run = stack.trigger(days)
    assert stack.succeeds(run)
    return Run(run, days)
