"""The revenue job as a plain script, the way a good Polars user writes it: the baseline every other number is held to.

Usage: python -m bench.bare_polars TPCH OUT
"""

from __future__ import annotations

import sys

import polars as pl

# wide enough for the products: Polars keeps the scale of Decimal(15, 2) in a product and would round each row
MONEY = pl.Decimal(38, 4)


def revenue(lineitem: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
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


def main(tpch: str, out: str) -> None:
    lineitem = pl.scan_parquet(f"{tpch}/lineitem/*.parquet")
    orders = pl.scan_parquet(f"{tpch}/orders/*.parquet")
    revenue(lineitem, orders).sink_parquet(pl.PartitionBy(out, key="ship_year"), mkdir=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
