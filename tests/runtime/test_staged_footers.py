"""What the staged files say of themselves is compared with what went into them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from polarpod.contract.context import Storage
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.engines.polars import staged_footers
from polarpod.runtime.engines.polars.batches import Tally
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store.folder import Folder

FRAME = pl.DataFrame({"k": ["a", "a", None], "x": [1, None, None], "s": [{"u": 1}, None, {"u": None}]})
PLAIN = pl.DataFrame(
    {
        f"c{number}": pl.Series([None, None], dtype=dtype)
        for number, dtype in enumerate(
            [
                pl.Int8, pl.UInt64, pl.Float32, pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Time, pl.Null,
                pl.Datetime("ns"), pl.Duration("ms"), pl.Decimal(38, 9), pl.Categorical, pl.Enum(["a"]), pl.Float16,
            ]
        )
    }
)  # fmt: skip


def staged(folder: Path) -> list[StagedFile]:
    """Two files, of the partitions `k=a` and null; several row groups."""
    files = []
    for number, value in enumerate(["a", None]):
        part = FRAME.filter(pl.col("k").eq_missing(value)).drop("k")
        part.write_parquet(folder / f"{number}.parquet", row_group_size=1)
        files.append(
            StagedFile(f"{number}.parquet", part.height, (folder / f"{number}.parquet").stat().st_size, {"k": value})
        )
    return files


def counted(frame: pl.DataFrame) -> Tally:
    tally = Tally()
    for batch in frame.iter_slices(1):
        tally.add(batch)
    return tally


def compare(folder: Path, files: list[StagedFile], planned: pl.Schema, tally: Tally) -> None:
    staged_footers.compare(files, str(folder), Storage(), planned=planned, tally=tally, scratch=folder)


def test_files_that_hold_what_was_counted_pass(tmp_path: Path) -> None:
    compare(tmp_path, staged(tmp_path), FRAME.schema, counted(FRAME))


def test_nulls_of_every_plain_type_are_counted(tmp_path: Path) -> None:
    """Polars' own hook to a footer is private: this fails the day it is gone, or leaves a type out."""
    PLAIN.write_parquet(tmp_path / "a.parquet")
    files = [StagedFile("a.parquet", 2, (tmp_path / "a.parquet").stat().st_size, {})]
    compare(tmp_path, files, PLAIN.schema, counted(PLAIN))
    for column in PLAIN.columns:
        tally = counted(PLAIN)
        tally.nulls[column] -= 1
        with pytest.raises(PolarpodError, match="do not have the nulls"):
            compare(tmp_path, files, PLAIN.schema, tally)


def test_a_row_more_or_less_is_told(tmp_path: Path) -> None:
    tally = counted(FRAME.head(2))
    with pytest.raises(PolarpodError, match="do not have the rows") as caught:
        compare(tmp_path, staged(tmp_path), FRAME.schema, tally)
    assert caught.value.verdict.evidence == ["2 rows were staged, 3 are in the files"]


@pytest.mark.parametrize("column", [pytest.param("x", id="stored"), pytest.param("k", id="partition-column")])
def test_a_null_more_or_less_is_told_by_column(tmp_path: Path, column: str) -> None:
    tally = counted(FRAME)
    tally.nulls[column] += 1
    with pytest.raises(PolarpodError, match="do not have the nulls") as caught:
        compare(tmp_path, staged(tmp_path), FRAME.schema, tally)
    assert [line.partition(":")[0] for line in caught.value.verdict.evidence] == [column]


def test_a_file_of_another_type_is_told_by_column(tmp_path: Path) -> None:
    planned = pl.Schema({**FRAME.schema, "x": pl.Int32()})
    with pytest.raises(PolarpodError, match="does not keep the type of x") as caught:
        compare(tmp_path, staged(tmp_path), planned, counted(FRAME))
    assert "x: Int32 staged, Int64 in the file" in caught.value.verdict.evidence


def test_of_a_file_in_a_store_the_end_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the footer is longer than what is fetched first."""
    files = staged(tmp_path)
    asked: list[int] = []

    def end(self: Folder, key: str, size: int, length: int) -> bytes:
        asked.append(length)
        return (tmp_path / key).read_bytes()[-min(size, length) :]

    monkeypatch.setattr(Folder, "end", end)
    monkeypatch.setattr(staged_footers, "is_local", lambda _: False)
    monkeypatch.setattr(staged_footers, "_END_BYTES", 64)
    compare(tmp_path, files, FRAME.schema, counted(FRAME))
    assert len(asked) == 2 * len(files)
    assert all(length < file.bytes for length, file in zip(sorted(asked)[2:], files, strict=True))
    assert not list(tmp_path.glob("footer-*"))
    monkeypatch.setattr(staged_footers, "_END_BYTES", 64 * 1024)
    asked.clear()
    compare(tmp_path, files, FRAME.schema, counted(FRAME))
    assert len(asked) == len(files)


def test_the_end_of_an_object_is_at_most_all_of_it(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    folder.write("a", b"0123456789")
    assert [folder.end("a", 10, length) for length in (3, 10, 99)] == [b"789", b"0123456789", b"0123456789"]
