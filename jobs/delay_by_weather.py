"""What the weather at the origin did to departures: late and cancelled flights by wind, rain and visibility."""

from __future__ import annotations

import datetime as dt

import dataframely as dy
import polars as pl

from flight_delays import delay_counts, delay_rates
from flights_schema import LANDED_WEATHER, SOURCE_HOUR
from polarpod import Delta, NdJson, Param, job

# each bucket's exclusive upper bound; what is above the last one has the name after it
WIND_MPH = ((13.0, "light"), (25.0, "fresh"), (39.0, "strong"))  # Beaufort 0-3, 4-5, 6-7, and 8 up
RAIN_INCHES = (
    (0.005, "none"),
    (0.105, "light"),
    (0.305, "moderate"),
)  # an hour, as the National Weather Service words it
VISIBILITY_MILES = (
    (1.0, "low ifr"),
    (3.0, "ifr"),
    (5.01, "marginal vfr"),
)  # flight categories: 5 miles is still marginal
UNKNOWN = "unknown"
# Newark on 2013-02-12 reports 1,048 mph: an instrument's error, not a wind
IMPOSSIBLE_WIND_MPH = 200.0


class DelayByWeather(dy.Schema):
    """One origin, one day, one kind of weather in the hour of scheduled departure."""

    ds = dy.String(primary_key=True)
    origin = dy.String(primary_key=True)
    wind = dy.String(primary_key=True)
    rain = dy.String(primary_key=True)
    visibility = dy.String(primary_key=True)
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

    @dy.rule()
    def every_flight_is_accounted_for(cls) -> pl.Expr:
        return pl.col("measured") + pl.col("cancelled") == pl.col("flights")


@job(
    inputs={
        "flights": Delta("{lake}/clean/flights", where={"ds": "{ds}"}),
        # a day without one observation is real (2013-12-31): delivered, empty, its flights count under "unknown".
        # A file that was not delivered still fails the run.
        "weather": NdJson("{lake}/raw/weather/ds={ds}/weather.ndjson", schema=LANDED_WEATHER, allow_empty=True),
    },
    output=Delta("{lake}/marts/delay_by_weather", replace={"ds": "{ds}"}),
    checks=DelayByWeather,
    params={"ds": Param(type="date", doc="the day the flights were scheduled to leave, local to their origin")},
    cpu=1,
    memory="768Mi",
)
def delay_by_weather(flights: pl.LazyFrame, weather: pl.LazyFrame, *, ds: dt.date) -> pl.LazyFrame:
    """Counts departure delays and cancellations of one day by the weather in the hour of scheduled departure.

    The hour is the scheduled one because a cancelled flight has no other. It is matched in UTC: on the day the clocks are
    set back the local hour from 1 to 2 comes twice.
    """
    return (
        flights.with_columns(hour=pl.col("sched_dep_at").dt.truncate("1h"))
        .join(_hours(weather), on=["origin", "hour"], how="left")
        .with_columns(
            wind=bucket(pl.col("wind_mph"), WIND_MPH, above="gale"),
            rain=bucket(pl.col("rain_inches"), RAIN_INCHES, above="heavy"),
            visibility=bucket(pl.col("visibility_miles"), VISIBILITY_MILES, above="vfr"),
        )
        .group_by("origin", "wind", "rain", "visibility")
        .agg(delay_counts("dep_delay_min"))
        .with_columns(delay_rates())
        .with_columns(ds=pl.lit(ds.isoformat()))
        .select(DelayByWeather.column_names())
    )


def _hours(weather: pl.LazyFrame) -> pl.LazyFrame:
    """One row an airport and hour, the worst of it: an hour reported twice must not make two flights of one."""
    wind = pl.col("wind_speed")
    hour = pl.col("time_hour").str.to_datetime(SOURCE_HOUR, time_unit="us", time_zone="UTC")
    return (
        weather.with_columns(hour=hour, wind_mph=pl.when(wind <= IMPOSSIBLE_WIND_MPH).then(wind))
        .group_by("origin", "hour")
        .agg(
            wind_mph=pl.col("wind_mph").max(),
            rain_inches=pl.col("precip").max(),
            visibility_miles=pl.col("visib").min(),
        )
    )


def bucket(value: pl.Expr, bounds: tuple[tuple[float, str], ...], *, above: str) -> pl.Expr:
    """The name of the first bucket whose bound the value is below; `unknown` where there is no value."""
    below = [pl.when(value < bound).then(pl.lit(name)) for bound, name in bounds]
    return pl.when(value.is_null()).then(pl.lit(UNKNOWN)).otherwise(pl.coalesce(*below, pl.lit(above)))
