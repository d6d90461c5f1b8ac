"""Files that a log or a manifest names and the store does not have: a run is not skipped over rows that nobody can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.runtime.delta_tables import append, commit_of, merge, publish, rows, standing_of
from tests.support.in_process import InProcess

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.fence import Standing
from polarpod.store.folder import Folder
from polarpod.store.presence import missing, missing_of_table

D1 = pl.DataFrame({"ds": ["d 1"] * 2, "v": [1, 2]})
D2 = pl.DataFrame({"ds": ["d2"], "v": [3]})
STANDS = Standing(1, True)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "table")


def replace(uri: str) -> Delta:
    return Delta(uri, replace={"ds": "d 1"})


def lose(uri: str, pattern: str = "[!_]*/**/*.parquet", *, keep: int | None = None) -> list[str]:
    """Deletes files, or cuts them to so many bytes."""
    lost = sorted(path.relative_to(uri).as_posix() for path in Path(uri).glob(pattern))
    for path in lost:
        place = Path(uri) / path
        place.unlink() if keep is None else place.write_bytes(place.read_bytes()[:keep])
    return lost


how = pytest.mark.parametrize("keep", [None, 0, 100], ids=["deleted", "emptied", "cut"])


@how
@pytest.mark.parametrize("later", [0, 1], ids=["as the newest commit", "under a later one"])
@pytest.mark.parametrize("output", [append, replace, merge], ids=["append", "replace", "merge"])
def test_a_run_whose_file_is_gone_from_the_store_does_not_stand(
    tmp_path: Path, output: Callable[[str], Delta], later: int, keep: int | None
) -> None:
    uri = str(tmp_path / "a folder with blanks")
    publish(commit_of(output(uri)), D1)
    before = set(Path(uri).glob("ds=*/*.parquet"))
    for _ in range(later):
        publish(commit_of(append(uri), run_key="d2"), D2)
    assert standing_of(commit_of(output(uri))) == STANDS
    for path in before:
        path.unlink() if keep is None else path.write_bytes(path.read_bytes()[:keep])
    assert standing_of(commit_of(output(uri))) == Standing(1, False, lost=tuple(str(p.relative_to(uri)) for p in before))


def test_of_rows_that_were_compacted_the_new_files_are_looked_for(uri: str) -> None:
    publish(commit_of(append(uri)), D1)
    publish(commit_of(append(uri), run_key="d2"), D1)
    old = set(Path(uri).glob("ds=*/*.parquet"))
    DeltaTable(uri).optimize.compact()
    (new,) = set(Path(uri).glob("ds=*/*.parquet")) - old
    for path in old:
        path.unlink()
    assert standing_of(commit_of(append(uri))) == STANDS
    new.unlink()
    assert standing_of(commit_of(append(uri))).lost == (new.relative_to(uri).as_posix(),)


def test_the_files_of_others_are_not_looked_for(uri: str) -> None:
    publish(commit_of(append(uri), run_key="d2"), D2)
    lose(uri)
    publish(commit_of(append(uri)), D1)
    assert standing_of(commit_of(append(uri))) == STANDS


def test_a_partition_is_replaced_although_files_of_it_are_gone(uri: str) -> None:
    publish(commit_of(replace(uri)), D1)
    lose(uri)
    publish(commit_of(replace(uri), number=2), D1)
    assert rows(uri) == D1.rows()


@how
@pytest.mark.parametrize("output", [append, merge], ids=["append", "merge"])
def test_an_append_and_a_merge_are_refused_with_the_file_and_the_remedy_works(
    uri: str, output: Callable[[str], Delta], keep: int | None
) -> None:
    publish(commit_of(output(uri)), D1)
    (lost,) = lose(uri, keep=keep)
    with pytest.raises(PolarpodError) as caught:
        publish(commit_of(output(uri), number=2), D1)
    verdict = caught.value.verdict
    assert verdict.category is Category.PUBLISH_REFUSED
    assert f"gone, or cut: {lost}" in verdict.evidence
    assert output(uri).merge or "`polarpod undo sales/d1`" in verdict.remedy
    if output(uri).merge:
        statement = verdict.remedy.partition("log with ")[2].partition(", then run again")[0]
        assert "delete what is left of them" in verdict.remedy
        (Path(uri) / lost).unlink(missing_ok=True)
        exec(f"import deltalake; {statement}")
        publish(commit_of(output(uri), number=2), D1)
        assert rows(uri) == D1.rows()


rewriting = pytest.mark.parametrize(
    "way",
    [pytest.param({"merge": ["v"]}, id="merge"), pytest.param({"replace": "v >= 0"}, id="predicate")],
)


@rewriting
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(None, "gone, or cut: {file}", id="deleted"),
        pytest.param(lambda data: b"", "gone, or cut: {file}", id="emptied"),
        pytest.param(lambda data: data[:-4], "gone, or cut: {file}", id="cut"),
        pytest.param(lambda data: b"\xff" * len(data), "damaged: {file}", id="garbage"),
        pytest.param(
            lambda data: data[:50] + b"\xff" * (len(data) // 2) + data[50 + len(data) // 2 :],
            "damaged: one of its 1 files; pl.read_parquet fails on it, too",
            id="garbage inside",
        ),
    ],
)
def test_a_file_of_another_run_that_cannot_be_read_is_named_and_the_remedy_works(
    tmp_path: Path, way: dict[str, Any], damage: Callable[[bytes], bytes] | None, said: str
) -> None:
    shop = InProcess(tmp_path)
    rows = pl.DataFrame({"v": range(3000), "ds": ["d 1"] * 3000})
    assert shop.publish(rows, shop.delta("out", append=True), name="other").verdict.succeeded
    (file,) = (tmp_path / "out").glob("*.parquet")
    file.write_bytes(damage(file.read_bytes())) if damage else file.unlink()
    verdict = shop.publish(D1, shop.delta("out", **way)).verdict
    assert verdict.category is Category.PUBLISH_REFUSED, verdict.text()
    assert verdict.summary.startswith(f"files that a {'merge' if 'merge' in way else 'replace'} has to read are ")
    assert verdict.evidence[:2] == [shop.at("out"), said.format(file=file.name)]
    statement = verdict.remedy.partition("log with ")[2].partition(", then run again")[0]
    file.unlink(missing_ok=True)
    exec(f"import deltalake; {statement}")
    assert shop.publish(D1, shop.delta("out", **way)).verdict.succeeded
    assert sorted(shop.read(shop.delta("out"))["v"]) == [1, 2]


def test_rows_of_files_that_lost_some_by_deletion_vectors_are_not_taken_for_whole(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_deltalake(uri, D1, partition_by=["ds"])
    publish(commit_of(append(uri)), D1)
    publish(commit_of(append(uri), run_key="d2"), D2)
    asked: list[int] = []
    monkeypatch.setattr("polarpod.store.outputs.delta.read", lambda _folder, version: asked.append(version))
    assert standing_of(commit_of(append(uri))).same
    assert not asked
    DeltaTable(uri).alter.set_table_properties({"delta.enableDeletionVectors": "true"})
    if "deletionVectors" in (DeltaTable(uri).protocol().reader_features or ()):
        standing_of(commit_of(append(uri)))
        assert asked, "the log is asked"


@pytest.mark.parametrize("way", [{"replace": {}}, {"append": True}], ids=["replace", "append"])
@how
def test_a_parquet_dataset_is_published_again_once_and_holds_the_rows_once(
    tmp_path: Path, way: dict[str, Any], keep: int | None
) -> None:
    shop = InProcess(tmp_path)
    output = shop.parquet("out", **way)
    other = shop.parquet("out", append=True)
    assert shop.publish(D1, output).verdict.succeeded
    assert lose(shop.at("out"), keep=keep)
    assert shop.publish(D2, other, name="other").verdict.succeeded
    again = shop.publish(D1, output)
    assert again.published
    assert again.published.adopted_from is None
    assert sorted(shop.read(shop.parquet("out"))["v"]) == ([1, 2] if "replace" in way else [1, 2, 3])


def test_only_paths_where_nothing_is_are_missing(tmp_path: Path) -> None:
    names = ["a b.parquet", "100%25.parquet", "ds=x%2Fy/ü.parquet"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    folder = Folder(str(tmp_path))
    assert missing(folder, dict.fromkeys(names)) == missing(folder, dict.fromkeys(names, 1)) == []
    absent = ["a b.parquet/below", "gone", "gone/b"]
    assert missing(folder, dict.fromkeys([*names, *absent])) == absent
    assert missing(folder, dict.fromkeys(names, 2) | {names[0]: 1}) == sorted(names[1:])
    outside = (tmp_path / names[0]).as_uri().replace("%20", " ")
    asked = dict.fromkeys([outside, f"{outside}x", "s3://elsewhere/x"])
    assert missing_of_table(str(tmp_path / "t"), Storage(), asked) == [f"{outside}x"]
    assert missing_of_table(str(tmp_path / "t"), Storage(), {outside: 2}) == [outside]
