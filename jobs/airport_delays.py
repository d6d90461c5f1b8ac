"""Which airports ran late today, and whose flights did it."""

from __future__ import annotations

import datetime as dt

import dataframely as dy
import polars as pl

from flight_delays import delay_counts, delay_rates
from polarpod import Delta, Param, Parquet, job

# a carrier with fewer measured flights at an airport in a day is an anecdote, not the worst of anything
ENOUGH_FLIGHTS = 5


class AirportDelays(dy.Schema):
    """One airport, one day, one direction: departures by origin, arrivals by destination."""

    ds = dy.String(primary_key=True)
    direction = dy.String(primary_key=True)
    airport = dy.String(primary_key=True)
    airport_name = dy.String(nullable=True)
    flights = dy.Int64(min=1)
    cancelled = dy.Int64(min=0)
    diverted = dy.Int64(min=0)
    measured = dy.Int64(min=0)
    late = dy.Int64(min=0)
    total_delay_min = dy.Int64()
    max_delay_min = dy.Int64(nullable=True)
    mean_delay_min = dy.Float64(nullable=True)
    late_share = dy.Float64(nullable=True, min=0, max=1)
    cancelled_share = dy.Float64(min=0, max=1)
    worst_carrier = dy.String(nullable=True)
    worst_carrier_mean_delay_min = dy.Float64(nullable=True)

    @dy.rule()
    def every_flight_is_accounted_for(cls) -> pl.Expr:
        unmeasured = pl.col("cancelled") + pl.when(pl.col("direction") == "arrivals").then("diverted").otherwise(0)
        return pl.col("measured") + unmeasured == pl.col("flights")

    @dy.rule()
    def late_flights_were_measured(cls) -> pl.Expr:
        return pl.col("late") <= pl.col("measured")


@job(
    inputs={
        "flights": Delta("{lake}/clean/flights", where={"ds": "{ds}"}),
        "airports": Parquet("{lake}/raw/airports/airports.parquet"),
    },
    output=Delta("{lake}/marts/airport_delays", replace={"ds": "{ds}"}),
    checks=AirportDelays,
    params={"ds": Param(type="date", doc="the day the flights were scheduled to leave, local to their origin")},
    cpu=1,
    memory="768Mi",
)
def airport_delays(flights: pl.LazyFrame, airports: pl.LazyFrame, *, ds: dt.date) -> pl.LazyFrame:
    """Counts delays and cancellations of one day by airport and direction, with the worst carrier of each."""
    legs = pl.concat(
        [
            _legs(flights, "departures", airport="origin", delay="dep_delay_min"),
            _legs(flights, "arrivals", airport="dest", delay="arr_delay_min"),
        ]
    )
    here = ["direction", "airport"]
    return (
        legs.group_by(here)
        .agg(delay_counts("delay_min"))
        .with_columns(delay_rates())
        .join(_worst_carriers(legs, here), on=here, how="left")
        .join(airports.select("faa", airport_name="name"), left_on="airport", right_on="faa", how="left")
        .with_columns(ds=pl.lit(ds.isoformat()))
        .select(AirportDelays.column_names())
    )


def _legs(flights: pl.LazyFrame, direction: str, *, airport: str, delay: str) -> pl.LazyFrame:
    return flights.select(
        pl.lit(direction).alias("direction"),
        pl.col(airport).alias("airport"),
        "carrier",
        "status",
        pl.col(delay).alias("delay_min"),
    )


def _worst_carriers(legs: pl.LazyFrame, here: list[str]) -> pl.LazyFrame:
    """The carrier with the greatest mean delay; of equal ones the first in the alphabet, so that reruns agree."""
    mean = pl.col("mean_delay_min")
    return (
        legs.group_by(*here, "carrier")
        .agg(delay_counts("delay_min"))
        .filter(pl.col("measured") >= ENOUGH_FLIGHTS)
        .with_columns(delay_rates())
        .filter(mean == mean.max().over(here))
        .group_by(*here, worst_carrier_mean_delay_min=mean)
        .agg(worst_carrier=pl.col("carrier").min())
    )
