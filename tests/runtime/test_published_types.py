"""A manifest holds the types of its columns as text: every type that is published comes back from it."""

from __future__ import annotations

import polars as pl
import pytest

from polarpod.runtime.types.dtype import describe, parse_published


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(dtype, id=str(dtype))
        for dtype in (
            pl.Int8(), pl.UInt64(), pl.Float16(), pl.Null(), pl.Time(), pl.Categorical(), pl.Duration("ns"),
            pl.Duration("us"), pl.Duration("ms"), pl.Decimal(38, 9), pl.Datetime("ns", "Europe/Berlin"), pl.Enum([]),
            pl.Enum(["a]", '"', "ü\n"]),
            pl.List(pl.Enum(["]"])), pl.Array(pl.Int64(), 2), pl.Array(pl.Int64(), (2, 3)), pl.Map(pl.String(), pl.Int64()),
            pl.Struct({"a b": pl.Int64(), "]}": pl.List(pl.Struct({'"': pl.Null()}))}), pl.List(pl.List(pl.Duration("ms"))),
        )
    ],
)  # fmt: skip
def test_its_name_means_the_same_type(dtype: pl.DataType) -> None:
    assert parse_published(describe(dtype)) == dtype
