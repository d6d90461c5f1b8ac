"""An input that cannot be read is the input's fault, also where a line of the job's own code has read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.support.in_process import InProcess

from polarpod import Csv, Delta, NdJson, Parquet
from polarpod.contract.dataset import Input
from polarpod.contract.verdict import Budget, Category, budget_of
from polarpod.runtime.outcome import Outcome

GOOD = pl.DataFrame({"id": range(500), "text": [f"text {number}" for number in range(500)]})
Spoil = Callable[[Path], object]


def lazily(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows


def collecting(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.collect().lazy()


def in_a_sink(rows: pl.LazyFrame) -> pl.LazyFrame:
    rows.sink_batches(lambda batch: None)
    return rows


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def damage(at: float) -> Spoil:
    """Overwrites a hundred bytes in the middle of the file's data."""

    def write(file: Path) -> None:
        data = file.read_bytes()
        begin = int(len(data) * at)
        file.write_bytes(data[:begin] + b"\xff" * 100 + data[begin + 100 :])

    return write


def another_type(file: Path) -> None:
    GOOD.with_columns(id=pl.col("id").cast(pl.String)).write_parquet(file)


def in_groups(file: Path) -> None:
    """Damage that only who reads the file to its end will meet."""
    pl.DataFrame({"id": range(5000)}).write_parquet(file, row_group_size=500)
    damage(0.6)(file)


def run(shop: InProcess, transform: Callable[[pl.LazyFrame], pl.LazyFrame], source: Input) -> Outcome:
    return shop.run(transform, shop.delta("out", replace={}), rows=source)


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


@pytest.mark.parametrize("transform", [pytest.param(one, id=one.__name__) for one in (lazily, collecting, in_a_sink)])
@pytest.mark.parametrize(
    ("spoil", "category"),
    [
        pytest.param(cut, Category.INPUT_UNREADABLE, id="cut short"),
        pytest.param(damage(0.3), Category.INPUT_UNREADABLE, id="damaged"),
        pytest.param(in_groups, Category.INPUT_UNREADABLE, id="damaged further on"),
        pytest.param(another_type, Category.INPUT_MISMATCH, id="of another type"),
    ],
)
def test_a_parquet_file_that_cannot_be_read_is_named_whoever_read_it(
    spoil: Spoil, category: Category, transform: Callable[[pl.LazyFrame], pl.LazyFrame], shop: InProcess
) -> None:
    first = GOOD if spoil is not in_groups else pl.DataFrame({"id": [1]})
    shop.put("in/a.parquet", first)
    shop.put("in/b.parquet", first)
    spoil(shop.root / "in" / "b.parquet")
    verdict = run(shop, transform, Parquet(shop.at("in/*.parquet"))).verdict
    assert verdict.category is category, verdict.text()
    assert budget_of(verdict.category) is Budget.DATA
    if spoil is not in_groups or transform is not lazily:
        assert any("in/b.parquet" in line for line in verdict.evidence), verdict.text()
    assert "Mend the line" not in verdict.remedy


@pytest.mark.parametrize("transform", [pytest.param(one, id=one.__name__) for one in (lazily, collecting)])
def test_a_damaged_file_of_a_delta_table_is_the_inputs(
    transform: Callable[[pl.LazyFrame], pl.LazyFrame], shop: InProcess
) -> None:
    GOOD.write_delta(shop.at("table"))
    [file] = (shop.root / "table").glob("*.parquet")
    damage(0.3)(file)
    verdict = run(shop, transform, Delta(shop.at("table"))).verdict
    assert verdict.category is Category.INPUT_UNREADABLE, verdict.text()


@pytest.mark.parametrize(
    ("name", "text", "source"),
    [
        pytest.param("a.csv", 'id,text\n1,"x\n', Csv, id="a quote without an end"),
        pytest.param("a.csv", "id,text\n1,x,3\n", Csv, id="a field too many"),
        pytest.param("a.ndjson", '{"id": 1}\n{"id":', NdJson, id="half an object"),
    ],
)
def test_a_text_that_cannot_be_read_is_the_inputs(
    name: str, text: str, source: Callable[[str], Input], shop: InProcess
) -> None:
    (shop.root / name).write_text(text)
    verdict = run(shop, collecting, source(shop.at(name))).verdict
    assert verdict.category is Category.INPUT_UNREADABLE, verdict.text()
    assert name in verdict.evidence[0]


def test_a_file_that_the_job_reads_by_itself_is_the_jobs(shop: InProcess) -> None:
    shop.put("in.parquet", GOOD)
    shop.put("own.parquet", GOOD)
    cut(shop.root / "own.parquet")
    own = shop.at("own.parquet")

    def reading(rows: pl.LazyFrame) -> pl.LazyFrame:
        return pl.concat([rows, pl.read_parquet(own).lazy()])

    verdict = run(shop, reading, Parquet(shop.at("in.parquet"))).verdict
    assert verdict.category is Category.JOB_FAILED
    assert verdict.summary.startswith("the job's code failed: ComputeError: parquet: File out of specification")


def test_an_error_of_the_jobs_own_is_the_jobs_although_an_input_is_damaged(shop: InProcess) -> None:
    shop.put("in.parquet", GOOD)
    damage(0.3)(shop.root / "in.parquet")

    def failing(rows: pl.LazyFrame) -> pl.LazyFrame:
        raise ValueError(rows)

    assert run(shop, failing, Parquet(shop.at("in.parquet"))).verdict.category is Category.JOB_FAILED
