"""Every batch is held to the schema that was planned: Polars plans some expressions with one type and computes another, and
a cast on the way to the file would turn what does not fit into null."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from tests.support.in_process import InProcess

from polarpod.contract.definition import Check
from polarpod.runtime.outcome import Outcome

KINDS = pytest.mark.parametrize("kind", [pytest.param("delta", id="delta"), pytest.param("parquet", id="parquet")])


class Gross(dy.Schema):
    id = dy.Int64(nullable=False, max=2)
    gross = dy.Decimal(5, 2, nullable=True)


class Sums(dy.Schema):
    id = dy.Int64(nullable=False)
    gross = dy.Decimal(38, 2, nullable=False)


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    made = InProcess(tmp_path)
    prices = {"net": ["100.00", "999.99", "20.00"], "vat": ["19.00", "190.00", "3.80"]}
    typed = {name: pl.Series([Decimal(text) for text in texts], dtype=pl.Decimal(5, 2)) for name, texts in prices.items()}
    made.put("in.parquet", pl.DataFrame({"id": [1, 2, 3], **typed}))
    return made


def totals(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Planned as Decimal(5, 2), as the two columns are; computed as Decimal(38, 2)."""
    return rows.select("id", gross=pl.sum_horizontal("net", "vat"))


def totals_beyond_python(rows: pl.LazyFrame) -> pl.LazyFrame:
    """With a function in the plan, so that checked rows take the way over the spool."""
    return totals(rows.map_batches(lambda frame: frame))


def refused(shop: InProcess, outcome: Outcome, *places: str) -> None:
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    assert "'gross' as another type than its plan says" in outcome.verdict.summary
    assert outcome.verdict.evidence == ["gross: planned Decimal(5, 2), delivered Decimal(38, 2)"]
    assert "Cast the operands" in outcome.verdict.remedy
    assert "pl.Decimal(38, 2)" in outcome.verdict.remedy
    assert not any(shop.committed(place) for place in ("out", *places))


@KINDS
@pytest.mark.parametrize(
    "partition_by",
    [pytest.param([], id="one-folder"), pytest.param(["id"], id="by-another"), pytest.param(["gross"], id="by-it")],
)
def test_a_batch_of_another_type_is_refused_wherever_it_goes(shop: InProcess, kind: str, partition_by: list[str]) -> None:
    output = getattr(shop, kind)("out", append=True, partition_by=partition_by)
    refused(shop, shop.run(totals, output, rows=shop.parquet("in.parquet")))


@KINDS
@pytest.mark.parametrize(
    "transform", [pytest.param(totals, id="one-pass"), pytest.param(totals_beyond_python, id="spooled")]
)
@pytest.mark.parametrize("quarantine", [pytest.param(True, id="quarantine"), pytest.param(False, id="fail")])
def test_checks_do_not_hide_it(shop: InProcess, kind: str, transform: Any, quarantine: bool) -> None:
    checks = Check(Gross, quarantine=shop.at("bad"), max_bad_share=0.9) if quarantine else Gross
    output = getattr(shop, kind)("out", replace={})
    refused(shop, shop.run(transform, output, checks=checks, rows=shop.parquet("in.parquet")), "bad")


@KINDS
def test_the_cast_that_the_remedy_asks_for_publishes_every_sum(shop: InProcess, kind: str) -> None:
    def cast(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.select("id", gross=pl.sum_horizontal(pl.col("net", "vat").cast(pl.Decimal(38, 2))))

    output = getattr(shop, kind)("out", replace={})
    outcome = shop.run(cast, output, checks=Sums, rows=shop.parquet("in.parquet"))
    assert outcome.verdict.succeeded, outcome.verdict.text()
    found = shop.read(getattr(shop, kind)("out")).sort("id")["gross"].to_list()
    assert found == [Decimal("119.00"), Decimal("1189.99"), Decimal("23.80")]


def lying(planned: pl.DataType, delivered: pl.Series) -> pl.LazyFrame:
    """A plan that promises one type, and a function that delivers another."""
    frame = pl.DataFrame({"x": delivered})
    return pl.LazyFrame({"x": [0]}).map_batches(
        lambda _: frame, schema=pl.Schema({"x": planned}), validate_output_schema=False
    )


@pytest.mark.parametrize(
    ("planned", "delivered"),
    [
        pytest.param(pl.UInt32(), pl.Series([1.5]), id="a-cast-for-Delta-would-truncate"),
        pytest.param(pl.Datetime("ms"), pl.Series([1], dtype=pl.Datetime("ns")), id="a-cast-for-Delta-would-round"),
        pytest.param(pl.Categorical(), pl.Series([1]), id="a-number-would-become-text"),
        pytest.param(pl.Int64(), pl.Series([1], dtype=pl.Int32), id="narrower"),
        pytest.param(pl.List(pl.Int64()), pl.Series([[1.5]]), id="inside-of-a-list"),
    ],
)
def test_a_cast_for_the_format_never_sees_another_type_than_the_planned(
    shop: InProcess, planned: pl.DataType, delivered: pl.Series
) -> None:
    outcome = shop.publish(lying(planned, delivered), shop.delta("out", replace={}))
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    assert "another type than its plan says" in outcome.verdict.summary
    assert not shop.committed("out")


@pytest.mark.parametrize(
    "delivered",
    [
        pytest.param({"y": [1], "x": [2]}, id="another-order"),
        pytest.param({"x": [2]}, id="fewer"),
        pytest.param({"x": [2], "y": [1], "z": [0]}, id="more"),
    ],
)
@KINDS
def test_other_columns_than_the_planned_are_refused(shop: InProcess, kind: str, delivered: dict[str, list[int]]) -> None:
    lf = pl.LazyFrame({"x": [0]}).map_batches(
        lambda _: pl.DataFrame(delivered), schema=pl.Schema({"x": pl.Int64, "y": pl.Int64}), validate_output_schema=False
    )
    outcome = shop.publish(lf, getattr(shop, kind)("out", replace={}))
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    assert "other columns than its plan says" in outcome.verdict.summary
    assert outcome.verdict.evidence == ["planned: x, y", f"delivered: {', '.join(delivered)}"]
    assert not shop.committed("out")
