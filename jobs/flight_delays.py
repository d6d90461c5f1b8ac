"""How delays are counted, once for every mart, so that two marts never disagree about what "late" means."""

from __future__ import annotations

import polars as pl

# as the Bureau of Transportation Statistics counts: a flight is late from the fifteenth minute on
LATE_MIN = 15


def delay_counts(delay: str) -> list[pl.Expr]:
    """Aggregates over flights with a `status` and a delay in minutes. Early flights count as negative delay.

    Counts and the total add up over days, airports and carriers; means and shares do not, and are for reading only.
    """
    minutes = pl.col(delay)
    return [
        pl.len().cast(pl.Int64).alias("flights"),
        (pl.col("status") == "cancelled").sum().cast(pl.Int64).alias("cancelled"),
        (pl.col("status") == "diverted").sum().cast(pl.Int64).alias("diverted"),
        minutes.count().cast(pl.Int64).alias("measured"),
        (minutes >= LATE_MIN).sum().cast(pl.Int64).alias("late"),
        minutes.cast(pl.Int64).sum().alias("total_delay_min"),
        minutes.max().cast(pl.Int64).alias("max_delay_min"),
    ]


def delay_rates() -> list[pl.Expr]:
    """Means and shares of what `delay_counts` counted; null where no flight has a delay to count.

    Quotients of whole numbers, rounded, so that a rerun gives the same bits whatever order its rows came in.
    """
    measured = pl.when(pl.col("measured") > 0).then("measured")
    return [
        (pl.col("total_delay_min") / measured).round(2).alias("mean_delay_min"),
        (pl.col("late") / measured).round(4).alias("late_share"),
        (pl.col("cancelled") / pl.col("flights")).round(4).alias("cancelled_share"),
    ]
