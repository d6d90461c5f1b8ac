"""A pipe as an input is refused when it is planned: opening it would wait for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from polarpod import Csv
from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.listing import list_input


@pytest.mark.parametrize("name", [pytest.param("p.csv", id="by its name"), pytest.param("link.csv", id="by a link")])
def test_a_pipe_is_named_and_not_opened(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")
    (tmp_path / "link.csv").symlink_to(tmp_path / "p.csv")
    with pytest.raises(PolarpodError, match="input 'orders' is not a regular file") as caught:
        list_input("orders", Csv(str(tmp_path / name)), Storage())
    assert caught.value.verdict.category is Category.INPUT_UNREADABLE
    assert caught.value.verdict.evidence == [str(tmp_path / name)]
