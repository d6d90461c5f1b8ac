"""A state store in every kind of store."""

from __future__ import annotations

import pytest
from tests.fixtures.object_store import Lake

from polarpod.launch.state import State
from polarpod.store.location import join


@pytest.fixture
def state(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> State:
    for name, value in lake.environment.items():
        monkeypatch.setenv(name, value)
    return State(join(lake.uri, "_state"), lake.storage)
