"""A merge and a predicate are written by deltalake: their partition values come back as they were, or are refused first."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import write_deltalake
from tests.support.in_process import InProcess

WAYS = [pytest.param({"merge": ["id"]}, id="merge"), pytest.param({"replace": "id >= 0"}, id="predicate")]


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        pytest.param(pl.Series(["x", ""]), "takes an empty text for null", id="empty text"),
        pytest.param(pl.Series(["x", "y" * 300]), "too long", id="long text"),
        pytest.param(pl.Series([Decimal("1.5"), Decimal("-0.5")]), "a decimal between -1 and 0", id="small decimal"),
        pytest.param(pl.Series([Decimal("1.5"), Decimal("-1.50")]), "deltalake writes -1.50 as", id="negative decimal"),
        pytest.param(pl.Series([1.0, float("nan")]), "NaN", id="NaN"),
        pytest.param(pl.Series([0.0, -0.0]), "-0.0", id="negative zero"),
        pytest.param(pl.Series([0, 2**31 - 1], dtype=pl.Int32).cast(pl.Date), "its year", id="far day"),
        pytest.param(pl.Series([0, 2**60]).cast(pl.Datetime("us")), "its year", id="far moment"),
    ],
)
def test_a_value_that_would_not_come_back_is_refused_before_the_commit(
    shop: InProcess, way: dict[str, Any], keys: pl.Series, words: str
) -> None:
    frame = pl.DataFrame({"id": [1, 2], "k": keys})
    outcome = shop.publish(frame, shop.delta("out", partition_by=["k"], **way))
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    assert words in outcome.verdict.text()
    assert "partition column 'k'" in outcome.verdict.summary
    assert not shop.committed("out")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(pl.Series([None, "x"], dtype=pl.String), id="null"),
        pytest.param(pl.Series(["a/b %41 ü", "x=y"]), id="odd text"),
        pytest.param(pl.Series(["..", "a\0b\n"]), id="control characters"),
        pytest.param(pl.Series([Decimal("-2.00"), Decimal("1.05")]), id="decimals"),
        pytest.param(pl.Series([dt.date(1, 1, 1), dt.date(9999, 12, 31)]), id="days"),
        pytest.param(pl.Series([-1, 1717203723123456]).cast(pl.Datetime("us", "UTC")), id="moments"),
        pytest.param(pl.Series([0.1, 1e30], dtype=pl.Float32), id="floats"),
        pytest.param(pl.Series([Decimal(-2), Decimal(0)], dtype=pl.Decimal(5, 0)), id="decimals without a fraction"),
        pytest.param(pl.Series([Decimal("0.00"), Decimal("999.99")], dtype=pl.Decimal(5, 2)), id="zero"),
        pytest.param(pl.Series([True, None]), id="truth values"),
    ],
)
def test_every_other_value_comes_back_as_it_was(shop: InProcess, way: dict[str, Any], keys: pl.Series) -> None:
    frame = pl.DataFrame({"id": [1, 2], "k": keys})
    for _ in range(2):
        outcome = shop.publish(frame, shop.delta("out", partition_by=["k"], **way), force=True)
        assert outcome.verdict.succeeded, outcome.verdict.text()
        assert shop.read(shop.delta("out")).sort("id").equals(frame)


@pytest.mark.parametrize("way", WAYS)
def test_a_table_with_a_partition_that_deltalake_would_misspell_is_not_written_back(
    shop: InProcess, way: dict[str, Any]
) -> None:
    """https://github.com/delta-io/delta-rs, up to 1.6: the sign is written twice."""
    frame = pl.DataFrame({"id": [1], "k": [Decimal("-1.50")]})
    assert shop.publish(frame, shop.delta("out", append=True, partition_by=["k"])).verdict.succeeded
    assert shop.read(shop.delta("out")).equals(frame)
    other = frame.with_columns(k=pl.lit(Decimal("1.50")).cast(frame.schema["k"]))
    outcome = shop.publish(other, shop.delta("out", partition_by=["k"], **way), name="other")
    assert outcome.verdict.category == "publish_refused", outcome.verdict.text()
    assert "k = -1.50" in outcome.verdict.text()
    assert "-1.-50" in outcome.verdict.text()
    assert shop.version("out") == 0


@pytest.mark.parametrize("kind", ["delta", "parquet"], ids=["delta", "parquet"])
def test_a_partition_of_a_day_without_a_text_is_refused_in_words(shop: InProcess, kind: str) -> None:
    frame = pl.DataFrame({"id": [1], "k": pl.Series([2**31 - 1], dtype=pl.Int32).cast(pl.Date)})
    outcome = shop.publish(frame, getattr(shop, kind)("out", replace={}, partition_by=["k"]))
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    assert "k = 2147483647 since 1970 (Date)" in outcome.verdict.text()


@pytest.mark.parametrize("way", WAYS)
def test_the_partitions_of_a_table_count_where_the_output_names_none(shop: InProcess, way: dict[str, Any]) -> None:
    write_deltalake(shop.at("out"), pl.DataFrame({"id": [0], "k": ["x"]}), partition_by=["k"])
    outcome = shop.publish(pl.DataFrame({"id": [1], "k": [""]}), shop.delta("out", **way))
    assert outcome.verdict.category == "output_mismatch", outcome.verdict.text()
    assert shop.version("out") == 0
    write_deltalake(shop.at("plain"), pl.DataFrame({"id": [0], "k": ["x"]}))
    assert shop.publish(pl.DataFrame({"id": [1], "k": [""]}), shop.delta("plain", **way)).verdict.succeeded
