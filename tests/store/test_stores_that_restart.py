"""A store that is away for a moment, because its pod or a proxy was replaced, is waited for. Here it answers 503.

Seen on a busy node: a delete that had given up after three tries in a third of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
import pytest
from deltalake import write_deltalake
from tests.fixtures.object_store import Lake
from tests.s3.gateway import gateway

from polarpod.contract.context import Storage
from polarpod.store.delta_log import open_table
from polarpod.store.folder import Folder
from polarpod.store.storage_options import for_deltalake, for_polars

pytestmark = pytest.mark.parametrize("lake", [pytest.param("moto", id="moto")], indirect=True)


class Restarting:
    """A store behind a gateway that answers 503 to so many requests."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, _method: str, _path: str) -> int | None:
        if not self.left:
            return None
        self.left -= 1
        return 503


@pytest.fixture
def store(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Restarting, str, Storage]]:
    for key, value in lake.environment.items():
        monkeypatch.setenv(key, value)
    write_deltalake(f"{lake.uri}/t", pl.DataFrame({"id": [1]}), storage_options=for_deltalake(lake.storage))
    pl.DataFrame({"id": [1]}).write_parquet(f"{lake.uri}/p.parquet", storage_options=for_polars(lake.storage))
    Folder(lake.uri, lake.storage).create("d", b"1")
    restarting = Restarting()
    assert lake.storage.endpoint_url is not None
    with gateway(lake.storage.endpoint_url, restarting) as url:
        yield restarting, lake.uri, Storage(endpoint_url=url, region=lake.storage.region, allow_http=True)


@pytest.mark.parametrize(
    ("ask", "refused"),
    [
        pytest.param(lambda uri, storage: Folder(uri, storage).read("d"), 5, id="a document is read"),
        pytest.param(lambda uri, storage: Folder(uri, storage).create("e", b"1"), 5, id="a document is created"),
        pytest.param(lambda uri, storage: Folder(uri, storage).delete(["d"]), 5, id="a document is deleted"),
        pytest.param(lambda uri, storage: Folder(uri, storage).list(), 5, id="documents are listed"),
        pytest.param(lambda uri, storage: open_table(f"{uri}/t", storage), 5, id="a table is opened"),
        pytest.param(
            lambda uri, storage: pl.read_parquet(f"{uri}/p.parquet", storage_options=for_polars(storage)),
            3,
            id="rows are read",
        ),
    ],
)
def test_it_is_asked_again(
    store: tuple[Restarting, str, Storage], ask: Callable[[str, Storage], object], refused: int
) -> None:
    restarting, uri, storage = store
    restarting.left = refused
    ask(uri, storage)
    assert restarting.left == 0
