"""Tests on a real kubelet, in the cluster that `make cluster` makes.

`suite` is a link to the contract suite: the same files, and found here their plane is `kind`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

try:
    from tests.support import kind
except ImportError:
    # Airflow's environments, in which only tests/cluster/airflow is collected: it has a yard of its own
    kind = None  # type: ignore[assignment]


def pytest_sessionstart() -> None:
    """One line, where a cluster was promised and is not there."""
    if kind and kind.required() and (reason := kind.missing()):
        pytest.exit(reason, returncode=1)


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """A suite that skips by itself is green without having tested: where a cluster is promised, that is a failure."""
    if kind and (reason := kind.missing()):
        pytest.fail(reason, pytrace=False) if kind.required() else pytest.skip(reason)


@pytest.fixture(scope="session")
def site(cluster: None) -> Iterator[kind.Kind]:
    with kind.namespace() as made:
        yield made
