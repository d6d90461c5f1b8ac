"""A Delta table whose log is damaged: the file is named, whether the table is read or written, and what helps is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.runtime.delta_tables import append, commit_of, standing_of
from tests.store.conftest import Lake

from polarpod import Delta
from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.delta_log import open_output, open_table
from polarpod.store.delta_rows import read
from polarpod.store.folder import Folder
from polarpod.store.listing import list_input
from polarpod.store.location import join

FIRST, SECOND, NEWEST = (f"{number:020d}.json" for number in range(3))
CHECKPOINT = "00000000000000000002.checkpoint.parquet"
HINT = "_last_checkpoint"
Damage = Callable[[bytes], bytes]

damages = pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut in the middle"),
        pytest.param(lambda data: data[:-5], id="cut at the end"),
        pytest.param(lambda data: b"", id="without a byte"),
        pytest.param(lambda data: b"nonsense", id="garbage"),
        pytest.param(lambda data: b"[1, 2]\n", id="JSON of another kind"),
        pytest.param(lambda data: b"\0" * len(data), id="zeros"),
    ],
)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    place = str(tmp_path / "a table")
    for number in range(3):
        write_deltalake(place, pl.DataFrame({"v": [number]}), mode="append")
    return place


def with_checkpoint(uri: str) -> None:
    DeltaTable(uri).create_checkpoint()
    write_deltalake(uri, pl.DataFrame({"v": [3]}), mode="append")


def spoil(uri: str, name: str, damage: Damage) -> Path:
    place = Path(uri, "_delta_log", name)
    place.write_bytes(damage(place.read_bytes()))
    return place


def said_of(look: Callable[[], object]) -> PolarpodError:
    with pytest.raises(PolarpodError) as caught:
        look()
    text = caught.value.verdict.text()
    assert "<unknown>" not in text, "no stack of a library"
    assert "Path {" not in text, "no dump of its types"
    return caught.value


@pytest.mark.parametrize("name", [FIRST, SECOND, NEWEST])
@damages
def test_a_damaged_entry_is_named_of_an_input_and_of_an_output(uri: str, name: str, damage: Damage) -> None:
    place = spoil(uri, name, damage)
    asked = {
        Category.INPUT_UNREADABLE: lambda: list_input("rows", Delta(uri), Storage()),
        Category.PUBLISH_REFUSED: lambda: open_output(uri, Storage()),
    }
    for category, look in asked.items():
        verdict = said_of(look).verdict
        assert verdict.category is category
        assert verdict.summary == f"the log of the Delta table {uri} is damaged"
        assert verdict.evidence[0].startswith(f"{place}: ")
        assert ("Or delete it" in verdict.remedy) == (name == NEWEST)


def test_the_newest_entry_can_be_deleted_as_the_remedy_says(uri: str) -> None:
    spoil(uri, NEWEST, lambda data: data[:-5]).unlink()
    table = open_table(uri, Storage())
    assert table is not None
    assert table.version() == 1


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_an_entry_that_is_gone_is_named(uri: str, name: str) -> None:
    place = Path(uri, "_delta_log", name)
    place.unlink()
    evidence = said_of(lambda: open_table(uri, Storage())).verdict.evidence
    assert evidence[0] == f"{place}: is not there, and later entries are"


@damages
def test_a_damaged_checkpoint_is_named_and_the_remedy_works(uri: str, damage: Damage) -> None:
    with_checkpoint(uri)
    place = spoil(uri, CHECKPOINT, damage)
    verdict = said_of(lambda: open_table(uri, Storage())).verdict
    assert verdict.evidence[0].startswith(f"{place}: is cut, or no Parquet file: ")
    assert "Or delete it and _delta_log/_last_checkpoint" in verdict.remedy
    place.unlink()
    (place.parent / HINT).unlink()
    assert DeltaTable(uri).to_pyarrow_table().num_rows == 4
    assert len(list_input("rows", Delta(uri), Storage()).files) == 4


def test_a_checkpoint_that_is_whole_at_both_ends_only_is_named(uri: str) -> None:
    with_checkpoint(uri)
    place = spoil(uri, CHECKPOINT, lambda data: data[:200] + b"\xff" * 400 + data[600:])
    assert said_of(lambda: open_table(uri, Storage())).verdict.evidence[0] == f"{place}: cannot be read"


def test_nobody_is_told_to_delete_a_checkpoint_whose_entries_are_gone(uri: str) -> None:
    with_checkpoint(uri)
    spoil(uri, CHECKPOINT, lambda data: data[:100])
    Path(uri, "_delta_log", FIRST).unlink()
    assert "delete" not in said_of(lambda: open_table(uri, Storage())).verdict.remedy


def test_a_checkpoint_that_is_gone_is_told_by_what_names_it_and_the_remedy_works(uri: str) -> None:
    with_checkpoint(uri)
    Path(uri, "_delta_log", CHECKPOINT).unlink()
    hint = Path(uri, "_delta_log", HINT)
    verdict = said_of(lambda: open_table(uri, Storage())).verdict
    assert verdict.evidence[0] == f"{hint}: names a checkpoint that is not there"
    assert verdict.remedy.startswith("Delete this file")
    hint.unlink()
    assert len(list_input("rows", Delta(uri), Storage()).files) == 4


@damages
def test_a_damaged_hint_is_in_nobodys_way(uri: str, damage: Damage) -> None:
    with_checkpoint(uri)
    spoil(uri, HINT, damage)
    assert len(list_input("rows", Delta(uri), Storage()).files) == 4


def test_an_empty_entry_that_a_checkpoint_sums_up_is_in_nobodys_way(uri: str) -> None:
    with_checkpoint(uri)
    spoil(uri, SECOND, lambda data: b"")
    assert len(list_input("rows", Delta(uri), Storage()).files) == 4


def test_an_entry_after_the_version_that_is_read_is_in_nobodys_way(uri: str) -> None:
    spoil(uri, NEWEST, lambda data: b"")
    assert len(list_input("rows", Delta(uri, version=1), Storage()).files) == 2


@pytest.mark.parametrize(
    "data", [pytest.param(b'{"add": 5}\n', id="other actions"), pytest.param(b'{"add": {"path": ', id="cut")]
)
def test_a_damaged_entry_below_a_checkpoint_is_named_where_a_run_asks_for_it(uri: str, data: bytes) -> None:
    with_checkpoint(uri)
    place = spoil(uri, SECOND, lambda _: data)
    verdict = said_of(lambda: read(Folder(uri), 1)).verdict
    assert verdict.category is Category.PUBLISH_REFUSED
    assert verdict.evidence[0].startswith(f"{place}: is cut, or no JSON of a commit")
    assert standing_of(commit_of(append(uri))).number is None
    place.unlink()
    assert read(Folder(uri), 1) is None


def test_a_listing_begins_behind_a_key_in_every_kind_of_store(reachable: Lake) -> None:
    folder = Folder(join(reachable.uri, "log"), reachable.storage)
    for number in range(4):
        folder.write(f"_delta_log/{number:020d}.json", b"{}")
    behind = [entry.key for entry in folder.list("_delta_log", after=f"_delta_log/{1:020d}.json")]
    assert behind == [f"_delta_log/{number:020d}.json" for number in (2, 3)]
