"""Shows the published tables. Run by the worker's Python, the only one here that has Polars: `marts.py <lake> <day>`."""

from __future__ import annotations

import sys

import polars as pl

# what fits a terminal
_ROWS = 5


def main(lake: str, day: str) -> None:
    airports = pl.scan_delta(f"{lake}/marts/airport_delays")
    weather = pl.scan_delta(f"{lake}/marts/delay_by_weather")
    flights = pl.scan_delta(f"{lake}/clean/flights")
    shown = {
        f"airport_delays of {day}, the busiest": airports.filter(ds=day)
        .sort("flights", descending=True)
        .select("direction", "airport", "flights", "cancelled", "late", "mean_delay_min", "worst_carrier"),
        f"delay_by_weather of {day}, the worst": weather.filter(ds=day)
        .sort("mean_delay_min", descending=True, nulls_last=True)
        .select("origin", "wind", "rain", "visibility", "flights", "cancelled", "mean_delay_min", "late_share"),
    }
    pl.Config(tbl_formatting="NOTHING", tbl_width_chars=120, tbl_cols=10, tbl_rows=100, float_precision=2)
    pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True)
    for title, frame in shown.items():
        print(f"\n  {title}:\n{frame.head(_ROWS).collect()}")
    counts = [
        table.group_by("ds").agg(pl.len().alias(name))
        for name, table in {"flights": flights, "airport_delays": airports, "delay_by_weather": weather}.items()
    ]
    joined = counts[0]
    for other in counts[1:]:
        joined = joined.join(other, on="ds", how="full", coalesce=True)
    print(f"\n  rows by day:\n{joined.sort('ds').collect()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
