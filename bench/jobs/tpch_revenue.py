"""The query of bench/bare_polars.py as a job: the same expressions, checked and published."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from polarpod import Check, Parquet, job

MONEY = pl.Decimal(38, 4)


class Revenue(dy.Schema):
    """Revenue of one year, ship mode and priority."""

    ship_year = dy.Int32(primary_key=True, min=1993, max=1997)
    l_shipmode = dy.String(primary_key=True)
    o_orderpriority = dy.String(primary_key=True)
    revenue = dy.Decimal(38, 4, min=0)
    quantity = dy.Decimal(38, 2, min=0)
    lines = dy.Int64(min=1)


@job(
    inputs={
        "lineitem": Parquet("{tpch}/lineitem/*.parquet"),
        "orders": Parquet("{tpch}/orders/*.parquet"),
    },
    output=Parquet("{out}/revenue", replace={}, partition_by=["ship_year"]),
    checks=Check(schema=Revenue),
    cpu=2,
    memory="1536Mi",  # a bare script needs 2.2 GiB for SF10, or is killed at this limit
    spill="8Gi",
)
def tpch_revenue(lineitem: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
    """Revenue by year, ship mode and order priority."""
    price, discount = pl.col("l_extendedprice").cast(MONEY), pl.col("l_discount").cast(MONEY)
    return (
        lineitem.filter(pl.col("l_shipdate").is_between(pl.date(1993, 1, 1), pl.date(1997, 12, 31)))
        .join(orders, left_on="l_orderkey", right_on="o_orderkey")
        .with_columns(ship_year=pl.col("l_shipdate").dt.year(), revenue=price * (1 - discount))
        .group_by("ship_year", "l_shipmode", "o_orderpriority")
        .agg(
            pl.col("revenue").sum(),
            quantity=pl.col("l_quantity").sum(),
            lines=pl.len().cast(pl.Int64),
        )
    )
