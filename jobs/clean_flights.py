"""Landed flights, made fit to count: typed, one row a flight, times as instants. Doubtful rows go to quarantine."""

from __future__ import annotations

import datetime as dt

import polars as pl

from flight_times import at_clock, if_clock_agrees, next_at_clock, to_local, to_utc, zone_of
from flights_schema import LANDED_FLIGHTS, SOURCE_HOUR, CleanFlight
from polarpod import Check, Csv, Delta, Param, Parquet, job


@job(
    inputs={
        "flights": Csv("{lake}/raw/flights/ds={ds}/flights.csv", schema=LANDED_FLIGHTS, null_values=["NA"]),
        "airports": Parquet("{lake}/raw/airports/airports.parquet"),
    },
    output=Delta("{lake}/clean/flights", replace={"ds": "{ds}"}),
    checks=Check(schema=CleanFlight, quarantine="{lake}/quarantine/clean_flights", max_bad_share=0.05),
    params={"ds": Param(type="date", doc="the day the flights were scheduled to leave, local to their origin")},
    cpu=1,
    memory="768Mi",
)
def clean_flights(flights: pl.LazyFrame, airports: pl.LazyFrame, *, ds: dt.date) -> pl.LazyFrame:
    """Types, deduplicates and dates one day's landed flights, in UTC.

    Instants come from the schedule plus the delay, never from the actual clock: a delay knows of midnight and of daylight
    saving, a clock reading does not. The reading is then used to check the instant; where they disagree the instant is
    left out, and the schema sends the flight to quarantine. A scheduled time that the clock jumped over goes there too.
    """
    zones = airports.select("faa", "tzone")
    # a line delivered twice is one flight; two lines that differ are both doubtful, which is for the schema's key to say
    landed = flights.unique()
    dated = (
        landed.join(zones.rename({"tzone": "origin_zone"}), left_on="origin", right_on="faa", how="left")
        .join(zones.rename({"tzone": "dest_zone"}), left_on="dest", right_on="faa", how="left")
        .with_columns(
            flight_date=pl.format("{}-{}-{}", "year", "month", "day").str.to_date("%Y-%m-%d", strict=False),
            source_hour=pl.col("time_hour").str.to_datetime(SOURCE_HOUR, time_unit="us", time_zone="UTC", strict=False),
            origin_zone=zone_of(pl.col("origin"), pl.col("origin_zone")),
            dest_zone=zone_of(pl.col("dest"), pl.col("dest_zone")),
        )
    )
    leaves = at_clock(pl.col("flight_date"), pl.col("sched_dep_time"))
    scheduled = (
        dated.with_columns(
            earlier=to_utc(leaves, pl.col("origin_zone"), twice="earliest"),
            later=to_utc(leaves, pl.col("origin_zone"), twice="latest"),
        )
        # the source has the hour in UTC too: a second opinion on the zone, and it knows which of two 01:30s is meant
        .with_columns(sched_dep_at=pl.coalesce(_if_source_agrees("earlier"), _if_source_agrees("later")))
        # an arrival has no date: it is the first time after departure that the destination's clock shows it
        .with_columns(leaves_there=to_local(pl.col("sched_dep_at"), pl.col("dest_zone")))
        .with_columns(arrives_there=next_at_clock(pl.col("sched_arr_time"), pl.col("leaves_there")))
        .with_columns(sched_arr_at=to_utc(pl.col("arrives_there"), pl.col("dest_zone")))
    )
    flown = scheduled.with_columns(
        dep_at=pl.col("sched_dep_at") + pl.duration(minutes="dep_delay"),
        arr_at=pl.col("sched_arr_at") + pl.duration(minutes="arr_delay"),
    ).with_columns(
        dep_at=if_clock_agrees(pl.col("dep_at"), pl.col("origin_zone"), pl.col("dep_time")),
        arr_at=if_clock_agrees(pl.col("arr_at"), pl.col("dest_zone"), pl.col("arr_time")),
        # the source has no such column; left without an arrival delay is mostly diverted, now and then back at the gate
        status=pl.when(pl.col("dep_time").is_null())
        .then(pl.lit("cancelled"))
        .when(pl.col("arr_delay").is_null())
        .then(pl.lit("diverted"))
        .otherwise(pl.lit("arrived")),
    )
    return flown.select(
        pl.lit(ds.isoformat()).alias("ds"),
        "flight_date",
        "carrier",
        pl.col("flight").cast(pl.Int32),
        "tailnum",
        "origin",
        "origin_zone",
        "dest",
        "dest_zone",
        "status",
        pl.col("sched_dep_time").cast(pl.Int32).alias("sched_dep_clock"),
        "sched_dep_at",
        pl.col("dep_time").cast(pl.Int32).alias("dep_clock"),
        "dep_at",
        pl.col("dep_delay").cast(pl.Int32).alias("dep_delay_min"),
        pl.col("sched_arr_time").cast(pl.Int32).alias("sched_arr_clock"),
        "sched_arr_at",
        pl.col("arr_time").cast(pl.Int32).alias("arr_clock"),
        "arr_at",
        pl.col("arr_delay").cast(pl.Int32).alias("arr_delay_min"),
        pl.col("air_time").cast(pl.Int32).alias("air_time_min"),
        pl.col("distance").cast(pl.Int32).alias("distance_miles"),
    )


def _if_source_agrees(instant: str) -> pl.Expr:
    return pl.when(pl.col(instant).dt.truncate("1h") == pl.col("source_hour")).then(instant)
