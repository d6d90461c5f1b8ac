"""A store that lists an entry of a log and answers 404 where it is read, or answers 404 to a write, is away, not damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.fixtures.object_store import Lake
from tests.s3.gateway import gateway

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.classify import classify
from polarpod.store import delta_log
from polarpod.store.delta_log import open_output, open_table, transaction_version
from polarpod.store.folder import Folder
from polarpod.store.outputs.delta import standing_in
from polarpod.store.storage_options import for_deltalake, for_polars

pytestmark = pytest.mark.parametrize("lake", [pytest.param("moto", id="moto")], indirect=True)


class Moody:
    """A store behind a gateway whose answers can be changed. Attributes: `lost`: which requests it answers with 404."""

    def __init__(self) -> None:
        self.lost: Callable[[str, str], bool] = lambda _method, _path: False
        self.denied = 0

    def __call__(self, method: str, path: str) -> int | None:
        if not self.lost(method, path):
            return None
        self.denied += 1
        return 404


def entries(method: str, path: str) -> bool:
    return method == "GET" and "00000.json" in path


def writes(method: str, path: str) -> bool:
    return method in ("PUT", "POST")


@pytest.fixture
def moody(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Moody, str, Storage]]:
    for key, value in lake.environment.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(delta_log, "_AGAIN_SECONDS", 0)
    write_deltalake(f"{lake.uri}/t", pl.DataFrame({"id": [1]}), storage_options=for_deltalake(lake.storage))
    mood = Moody()
    assert lake.storage.endpoint_url is not None
    with gateway(lake.storage.endpoint_url, mood) as url:
        yield mood, f"{lake.uri}/t", Storage(endpoint_url=url, region=lake.storage.region, allow_http=True)


@pytest.mark.parametrize("look", [pytest.param(open_output, id="output"), pytest.param(open_table, id="input")])
def test_a_listed_entry_that_cannot_be_read_is_a_store_that_is_away(
    moody: tuple[Moody, str, Storage], look: Callable[[str, Storage], DeltaTable]
) -> None:
    mood, uri, storage = moody
    assert look(uri, storage).version() == 0
    mood.lost = entries
    with pytest.raises(PolarpodError) as caught:
        look(uri, storage)
    assert caught.value.verdict.category is Category.STORAGE_UNAVAILABLE, caught.value.verdict.text()
    assert "File not found" in caught.value.verdict.text()
    assert mood.denied == 1 + delta_log._LOOKS


def test_a_store_that_lost_an_entry_for_a_moment_is_looked_at_again(moody: tuple[Moody, str, Storage]) -> None:
    mood, uri, storage = moody
    mood.lost = lambda method, path: entries(method, path) and mood.denied < 2
    table = open_output(uri, storage)
    assert table is not None
    assert mood.denied == 2
    mood.denied = 0
    assert transaction_version(table, "polarpod/sales/d1") is None
    assert mood.denied == 2


def test_the_question_whether_a_run_stands_is_one_that_a_store_can_be_away_for(moody: tuple[Moody, str, Storage]) -> None:
    mood, uri, storage = moody
    table = open_output(uri, storage)
    assert table is not None
    mood.lost = entries
    with pytest.raises(PolarpodError) as caught:
        standing_in(table, Delta(uri, append=True), storage, job="sales", run_key="d1", fingerprint="f")
    assert caught.value.verdict.category is Category.STORAGE_UNAVAILABLE, caught.value.verdict.text()


@pytest.mark.parametrize("phase", ["stage", "publish"], ids=["stage", "publish"])
def test_a_write_that_is_answered_with_404_is_a_store_that_is_away(moody: tuple[Moody, str, Storage], phase: str) -> None:
    mood, uri, storage = moody
    table = open_output(uri, storage)
    assert table is not None
    mood.lost = writes
    rows = pl.DataFrame({"id": [2]})
    ways: dict[str, Callable[[], object]] = {
        "deltalake's rows": lambda: write_deltalake(table, rows, mode="append"),
        "a commit": lambda: table.create_write_transaction([], "append", table.schema(), []),
        "Polars' rows": lambda: rows.write_parquet(f"{uri}/s.parquet", storage_options=for_polars(storage)),
        "a document": lambda: Folder(uri, storage).create("x", b"1"),
    }
    for name, write in ways.items():
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each library raises its own
            write()
        assert classify(caught.value, phase=phase).category is Category.STORAGE_UNAVAILABLE, name


def test_a_listing_that_is_answered_with_404_is_a_store_that_is_away(moody: tuple[Moody, str, Storage]) -> None:
    mood, uri, storage = moody
    mood.lost = lambda _method, path: "list-type" in path
    with pytest.raises(PolarpodError) as caught:
        open_output(uri, storage)
    assert caught.value.verdict.category is Category.STORAGE_UNAVAILABLE, caught.value.verdict.text()


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        pytest.param(1, "Expected contiguous commit files", id="in the middle"),
        pytest.param(0, "No table metadata", id="first"),
    ],
)
def test_an_entry_that_is_missing_for_good_is_damage(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gone: int, words: str
) -> None:
    for key, value in lake.environment.items():
        monkeypatch.setenv(key, value)
    for uri, storage, options in (
        (f"{lake.uri}/t", lake.storage, for_deltalake(lake.storage)),
        (str(tmp_path), Storage(), {}),
    ):
        for number in range(3):
            write_deltalake(uri, pl.DataFrame({"id": [number]}), mode="append", storage_options=options)
        Folder(uri, storage).delete([f"_delta_log/{gone:020d}.json"])
        with pytest.raises(PolarpodError, match=words) as caught:
            open_output(uri, storage)
        assert caught.value.verdict.category is Category.PUBLISH_REFUSED
        with pytest.raises(PolarpodError) as caught:
            open_table(uri, storage)
        assert caught.value.verdict.category is Category.INPUT_UNREADABLE
