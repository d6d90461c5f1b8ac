"""Tests on a real kubelet, in the cluster that `make cluster` makes. The contract suite takes this file too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

try:
    from tests.support import kind
except ImportError:
    # Airflow's environments, in which only tests/cluster/airflow is collected: it has a yard of its own
    kind = None


# what `make up` makes is another thing, and looked for there
STACK = Path(__file__).parent / "stack"


def pytest_sessionstart(session: pytest.Session) -> None:
    """One line, where a cluster was promised and is not there."""
    asked = [session.config.invocation_params.dir / name.partition("::")[0] for name in session.config.args]
    if all(path.is_relative_to(STACK) for path in asked):
        return
    if kind and kind.required() and (reason := kind.missing()):
        pytest.exit(reason, returncode=1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips from here rather than from a fixture, so that all of them are one line of the report."""
    if item.path.is_relative_to(STACK):
        return
    if kind and (reason := kind.missing()):
        # a suite that skips by itself is green without having tested: where a cluster is promised, that is a failure
        pytest.fail(reason, pytrace=False) if kind.required() else pytest.skip(reason)


@pytest.fixture(scope="session")
def site() -> Iterator[kind.Kind]:
    with kind.namespace() as made:
        yield made


@pytest.fixture(scope="module", name="kind")
def kind_of_its_own() -> Iterator[kind.Kind]:
    """A namespace that a file's tests have to themselves, to change its rights and quotas for instance."""
    with kind.namespace() as made:
        yield made
