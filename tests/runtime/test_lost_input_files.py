"""Files of an input that a log or a manifest names and that are gone, or cut: named, with what names them and what helps."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Input
from polarpod.contract.verdict import Category, Verdict

ROWS = pl.DataFrame({"id": range(500), "g": ["a", "b"] * 250, "t": [f"text {number}" for number in range(500)]})
MOMENTS = ROWS.with_columns(m=pl.datetime(2020, 1, 1))


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def lazily(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows


def at_once(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.collect().lazy()


def make(shop: InProcess, kind: str) -> Input:
    """Three files of data, in a folder whose name is long enough for Polars to cut it."""
    place = f"in/{'a long name ' * 8}end"
    for number in range(3):
        if kind == "manifest":
            assert shop.publish(ROWS, shop.parquet(place, append=True), name=f"maker{number}").verdict.succeeded
        else:
            frame, by = (MOMENTS if kind == "moments" else ROWS), (["g"] if kind == "partitions" else None)
            write_deltalake(shop.at(place), frame, mode="append", partition_by=by)
    return shop.parquet(place) if kind == "manifest" else shop.delta(place)


def data_files(declared: Input) -> list[Path]:
    root = Path(declared.uri)
    return sorted(path for path in root.rglob("*.parquet") if not path.relative_to(root).as_posix().startswith("_"))


def failed(shop: InProcess, declared: Input, read: object = lazily) -> Verdict:
    return shop.run(read, shop.delta("out", replace={}), rows=declared).verdict  # type: ignore[arg-type]


@pytest.mark.parametrize("read", [pytest.param(lazily, id="by the query"), pytest.param(at_once, id="by the job itself")])
@pytest.mark.parametrize("keep", [None, 0, 100, -4], ids=["gone", "without a byte", "cut", "cut at the end"])
@pytest.mark.parametrize("kind", ["delta", "partitions", "moments", "manifest"])
def test_a_lost_file_is_named_with_what_names_it(shop: InProcess, kind: str, keep: int | None, read: object) -> None:
    declared = make(shop, kind)
    lost = data_files(declared)[1]
    data = lost.read_bytes()
    lost.unlink() if keep is None else lost.write_bytes(data[:keep])
    verdict = failed(shop, declared, read)
    assert verdict.category is (Category.INPUT_MISSING if keep is None else Category.INPUT_UNREADABLE)
    by = "manifest" if kind == "manifest" else "Delta log"
    assert verdict.summary == f"files of input 'rows' that its {by} names are gone from the store, or cut"
    found = "gone" if keep is None else f"{len(data[:keep]):,} bytes"
    named = f"{lost.relative_to(declared.uri)}: {found}, its {by} says {len(data):,}"
    assert verdict.evidence[:2] == [declared.uri, named]
    assert verdict.evidence.count(named) == 1
    assert verdict.remedy.startswith("Bring the files back from a backup or the bucket's versions.")
    assert "POLARS_VERBOSE" not in verdict.text()


def test_of_many_lost_files_the_first_are_named_and_the_rest_counted(shop: InProcess) -> None:
    declared = make(shop, "partitions")
    for file in data_files(declared):
        file.unlink()
    verdict = failed(shop, declared)
    assert sum(": gone, " in line for line in verdict.evidence) == 5
    assert "and 1 more" in verdict.evidence


@pytest.mark.parametrize("keep", [None, 0], ids=["gone", "without a byte"])
def test_the_remedy_for_a_delta_table_works(shop: InProcess, keep: int | None) -> None:
    declared = make(shop, "delta")
    lost = data_files(declared)[1]
    lost.unlink() if keep is None else lost.write_bytes(b"")
    statement = failed(shop, declared).remedy.partition("log with ")[2].partition(", and run again")[0]
    lost.unlink(missing_ok=True)
    exec(f"import deltalake; {statement}")
    assert failed(shop, declared).succeeded
    assert DeltaTable(shop.at("out")).to_pyarrow_table().num_rows == 2 * ROWS.height


def test_the_remedy_for_a_manifest_names_the_runs_and_works(shop: InProcess) -> None:
    declared = make(shop, "manifest")
    data_files(declared)[1].unlink()
    assert "make their rows again: maker1/all-" in failed(shop, declared).remedy
    place = Path(declared.uri).relative_to(shop.root).as_posix()
    outcome = shop.publish(ROWS, shop.parquet(place, append=True), name="maker1")
    assert outcome.published
    assert outcome.published.adopted_from is None
    assert failed(shop, declared).succeeded


def test_a_damaged_file_of_a_table_that_is_as_large_as_ever_is_named(shop: InProcess) -> None:
    declared = make(shop, "delta")
    damaged = data_files(declared)[1]
    damaged.write_bytes(b"\xff" * damaged.stat().st_size)
    verdict = failed(shop, declared)
    assert verdict.category is Category.INPUT_UNREADABLE
    assert verdict.evidence[0].startswith(f"input 'rows': {damaged}: ")


def test_a_file_that_goes_while_the_run_works_is_named_whole(shop: InProcess) -> None:
    folder = f"raw/{'a long name ' * 8}end"
    for number in range(3):
        shop.put(f"{folder}/{number}.parquet", ROWS)
    lost = Path(shop.at(f"{folder}/1.parquet"))

    def late(rows: pl.LazyFrame) -> pl.LazyFrame:
        lost.unlink()
        return rows

    verdict = failed(shop, shop.parquet(folder), late)
    assert verdict.category is Category.INPUT_MISSING
    assert str(lost) in verdict.evidence[0]
    assert "POLARS_VERBOSE" not in verdict.text()
