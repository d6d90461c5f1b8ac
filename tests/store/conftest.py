"""A folder in every kind of store."""

from __future__ import annotations

import pytest
from tests.fixtures.object_store import Lake

from polarpod.store.folder import Folder
from polarpod.store.location import join


@pytest.fixture
def reachable(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake that this process has the credentials of."""
    for name, value in lake.environment.items():
        monkeypatch.setenv(name, value)
    return lake


@pytest.fixture
def folder(reachable: Lake) -> Folder:
    """A folder that is not there yet, below a name with blanks, accents and a percent sign."""
    return Folder(join(reachable.uri, "a folder/100% à côté"), reachable.storage)
