"""The 22 queries of TPC-H as one writes them in Polars who thinks of nothing but the query, over tables without rows.

Types are those of the specification as `tpchgen-cli` writes them: money and shares are Decimal(15, 2), sizes and counts
Int32, keys Int64.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl

c = pl.col
_MONEY, _KEY, _SIZE = pl.Decimal(15, 2), pl.Int64(), pl.Int32()
_DAY, _TEXT = pl.Date(), pl.String()
_SCHEMAS: dict[str, dict[str, Any]] = {
    "lineitem": dict.fromkeys(("l_orderkey", "l_partkey", "l_suppkey"), _KEY)
    | {"l_linenumber": _SIZE}
    | dict.fromkeys(("l_quantity", "l_extendedprice", "l_discount", "l_tax"), _MONEY)
    | dict.fromkeys(("l_returnflag", "l_linestatus", "l_shipinstruct", "l_shipmode", "l_comment"), _TEXT)
    | dict.fromkeys(("l_shipdate", "l_commitdate", "l_receiptdate"), _DAY),
    "orders": {"o_orderkey": _KEY, "o_custkey": _KEY, "o_totalprice": _MONEY, "o_orderdate": _DAY, "o_shippriority": _SIZE}
    | dict.fromkeys(("o_orderstatus", "o_orderpriority", "o_comment"), _TEXT),
    "customer": {"c_custkey": _KEY, "c_nationkey": _KEY, "c_acctbal": _MONEY}
    | dict.fromkeys(("c_name", "c_address", "c_phone", "c_mktsegment", "c_comment"), _TEXT),
    "part": {"p_partkey": _KEY, "p_size": _SIZE, "p_retailprice": _MONEY}
    | dict.fromkeys(("p_name", "p_mfgr", "p_brand", "p_type", "p_container"), _TEXT),
    "partsupp": {"ps_partkey": _KEY, "ps_suppkey": _KEY, "ps_availqty": _SIZE, "ps_supplycost": _MONEY},
    "supplier": {"s_suppkey": _KEY, "s_nationkey": _KEY, "s_acctbal": _MONEY}
    | dict.fromkeys(("s_name", "s_address", "s_phone", "s_comment"), _TEXT),
    "nation": {"n_nationkey": _KEY, "n_regionkey": _KEY, "n_name": _TEXT},
    "region": {"r_regionkey": _KEY, "r_name": _TEXT},
}


class _Tables:
    def __getattr__(self, name: str) -> pl.LazyFrame:
        return pl.LazyFrame(schema=_SCHEMAS[name])


t = _Tables()
volume = c("l_extendedprice") * (1 - c("l_discount"))


def q1() -> pl.LazyFrame:
    charge = volume * (1 + c("l_tax"))
    money = [c("l_quantity").sum(), volume.sum().alias("volume"), charge.sum().alias("charge"), c("l_discount").mean()]
    return t.lineitem.filter(c("l_shipdate") <= dt.date(1998, 9, 2)).group_by("l_returnflag").agg(*money, pl.len())


def q2() -> pl.LazyFrame:
    offers = t.part.filter(c("p_size") == 15).join(t.partsupp, left_on="p_partkey", right_on="ps_partkey")
    offers = offers.join(t.supplier, left_on="ps_suppkey", right_on="s_suppkey")
    return offers.filter(c("ps_supplycost") == c("ps_supplycost").min().over("p_partkey")).sort("s_acctbal").head(100)


def q3() -> pl.LazyFrame:
    found = t.customer.filter(c("c_mktsegment") == "BUILDING").join(t.orders, left_on="c_custkey", right_on="o_custkey")
    lines = found.join(t.lineitem, left_on="o_orderkey", right_on="l_orderkey")
    return lines.group_by("o_orderkey", "o_shippriority").agg(revenue=volume.sum()).sort("revenue").head(10)


def q4() -> pl.LazyFrame:
    late = t.lineitem.filter(c("l_commitdate") < c("l_receiptdate"))
    return t.orders.join(late, left_on="o_orderkey", right_on="l_orderkey", how="semi").group_by("o_orderpriority").len()


def q5() -> pl.LazyFrame:
    lines = t.lineitem.join(t.supplier, left_on="l_suppkey", right_on="s_suppkey")
    return lines.join(t.nation, left_on="s_nationkey", right_on="n_nationkey").group_by("n_name").agg(volume.sum())


def q6() -> pl.LazyFrame:
    lines = t.lineitem.filter(c("l_discount").is_between(0.05, 0.07), c("l_quantity") < 24)
    return lines.select((c("l_extendedprice") * c("l_discount")).sum().alias("revenue"))


def q7() -> pl.LazyFrame:
    lines = t.lineitem.join(t.supplier, left_on="l_suppkey", right_on="s_suppkey").with_columns(
        year=c("l_shipdate").dt.year(), volume=volume
    )
    return lines.group_by("s_nationkey", "year").agg(c("volume").sum()).sort("year")


def q8() -> pl.LazyFrame:
    lines = t.lineitem.join(t.orders, left_on="l_orderkey", right_on="o_orderkey").with_columns(
        year=c("o_orderdate").dt.year(), volume=volume
    )
    ours = pl.when(c("l_suppkey") == 1).then("volume").otherwise(0).sum()
    return lines.group_by("year").agg(share=ours / c("volume").sum())


def q9() -> pl.LazyFrame:
    lines = t.lineitem.join(t.partsupp, left_on=["l_suppkey", "l_partkey"], right_on=["ps_suppkey", "ps_partkey"])
    return lines.group_by("l_suppkey").agg((volume - c("ps_supplycost") * c("l_quantity")).sum())


def q10() -> pl.LazyFrame:
    lines = t.orders.join(t.lineitem, left_on="o_orderkey", right_on="l_orderkey").filter(c("l_returnflag") == "R")
    return lines.group_by("o_custkey").agg(revenue=volume.sum()).sort("revenue", descending=True).head(20)


def q11() -> pl.LazyFrame:
    value = (c("ps_supplycost") * c("ps_availqty")).sum()
    return t.partsupp.group_by("ps_partkey").agg(value=value).filter(c("value") > c("value").sum() * 0.0001)


def q12() -> pl.LazyFrame:
    high = c("o_orderpriority").is_in(["1-URGENT", "2-HIGH"])
    lines = t.orders.join(t.lineitem, left_on="o_orderkey", right_on="l_orderkey")
    counts = {"high": pl.when(high).then(1).otherwise(0).sum(), "low": pl.when(~high).then(1).otherwise(0).sum()}
    return lines.group_by("l_shipmode").agg(**counts).sort("l_shipmode")


def q13() -> pl.LazyFrame:
    theirs = t.customer.join(t.orders, left_on="c_custkey", right_on="o_custkey", how="left")
    return theirs.group_by("c_custkey").agg(orders=c("o_orderkey").count()).group_by("orders").agg(customers=pl.len())


def q14() -> pl.LazyFrame:
    promo = pl.when(c("p_type").str.starts_with("PROMO")).then(volume).otherwise(0).sum()
    return t.lineitem.join(t.part, left_on="l_partkey", right_on="p_partkey").select(share=100 * promo / volume.sum())


def q15() -> pl.LazyFrame:
    revenue = t.lineitem.group_by("l_suppkey").agg(total=volume.sum())
    return t.supplier.join(revenue, left_on="s_suppkey", right_on="l_suppkey").filter(c("total") == c("total").max())


def q16() -> pl.LazyFrame:
    offers = t.partsupp.join(t.part, left_on="ps_partkey", right_on="p_partkey").filter(c("p_size").is_in([49, 14, 23]))
    return offers.group_by("p_brand", "p_type", "p_size").agg(suppliers=c("ps_suppkey").n_unique())


def q17() -> pl.LazyFrame:
    few = c("l_quantity") < 0.2 * c("l_quantity").mean().over("l_partkey")
    return t.lineitem.filter(few).select(yearly=c("l_extendedprice").sum() / 7.0)


def q18() -> pl.LazyFrame:
    large = t.lineitem.group_by("l_orderkey").agg(c("l_quantity").sum()).filter(c("l_quantity") > 300)
    return t.orders.join(large, left_on="o_orderkey", right_on="l_orderkey").sort("o_totalprice").head(100)


def q19() -> pl.LazyFrame:
    lines = t.lineitem.join(t.part, left_on="l_partkey", right_on="p_partkey")
    return lines.filter(c("p_size").is_between(1, 5), c("l_quantity") >= 1).select(revenue=volume.sum())


def q20() -> pl.LazyFrame:
    shipped = t.lineitem.group_by("l_partkey", "l_suppkey").agg(half=0.5 * c("l_quantity").sum())
    offers = t.partsupp.join(shipped, left_on=["ps_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"])
    return offers.filter(c("ps_availqty") > c("half")).select("ps_suppkey").unique()


def q21() -> pl.LazyFrame:
    late = t.lineitem.filter(c("l_receiptdate") > c("l_commitdate")).group_by("l_orderkey").agg(n=c("l_suppkey").n_unique())
    return t.lineitem.join(late.filter(c("n") == 1), on="l_orderkey").group_by("l_suppkey").agg(waits=pl.len()).head(100)


def q22() -> pl.LazyFrame:
    people = t.customer.with_columns(country=c("c_phone").str.slice(0, 2)).filter(c("c_acctbal") > c("c_acctbal").mean())
    return people.group_by("country").agg(number=pl.len(), total=c("c_acctbal").sum()).sort("country")


QUERIES: dict[str, Callable[[], pl.LazyFrame]] = {
    query.__name__: query
    for query in (
        *(q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11),
        *(q12, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22),
    )
}
