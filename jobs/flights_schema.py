"""What the flights pipeline reads and promises: the source's columns, and the rules a cleaned flight keeps."""

from __future__ import annotations

import dataframely as dy
import polars as pl

LANDED_FLIGHTS = {
    "year": "Int64",
    "month": "Int64",
    "day": "Int64",
    "dep_time": "Int64",
    "sched_dep_time": "Int64",
    "dep_delay": "Int64",
    "arr_time": "Int64",
    "sched_arr_time": "Int64",
    "arr_delay": "Int64",
    "carrier": "String",
    "flight": "Int64",
    "tailnum": "String",
    "origin": "String",
    "dest": "String",
    "air_time": "Int64",
    "distance": "Int64",
    "hour": "Int64",
    "minute": "Int64",
    "time_hour": "String",
}

LANDED_WEATHER = {
    "origin": "String",
    "year": "Int64",
    "month": "Int64",
    "day": "Int64",
    "hour": "Int64",
    "temp": "Float64",
    "dewp": "Float64",
    "humid": "Float64",
    "wind_dir": "Int64",
    "wind_speed": "Float64",
    "wind_gust": "Float64",
    "precip": "Float64",
    "pressure": "Float64",
    "visib": "Float64",
    "time_hour": "String",
}

# how both sources write `time_hour`, the hour as an instant
SOURCE_HOUR = "%Y-%m-%dT%H:%M:%SZ"

# no airliner averages this from wheels up to wheels down; above it the air time or the distance is wrong
FASTEST_MPH = 650


class CleanFlight(dy.Schema):
    """One flight as scheduled and as flown. `*_at` are instants in UTC, `*_clock` what the airport's clock showed (hhmm)."""

    ds = dy.String(primary_key=True)
    flight_date = dy.Date()
    carrier = dy.String(primary_key=True, regex="^[A-Z0-9]{2}$")
    flight = dy.Int32(primary_key=True, min=1)
    tailnum = dy.String(nullable=True)
    origin = dy.String(primary_key=True, regex="^[A-Z0-9]{3}$")
    origin_zone = dy.String()
    dest = dy.String(primary_key=True, regex="^[A-Z0-9]{3}$")
    dest_zone = dy.String()
    status = dy.String()
    sched_dep_clock = dy.Int32(primary_key=True)
    sched_dep_at = dy.Datetime(time_zone="UTC", time_unit="us")
    dep_clock = dy.Int32(nullable=True)
    dep_at = dy.Datetime(time_zone="UTC", time_unit="us", nullable=True)
    dep_delay_min = dy.Int32(nullable=True)
    sched_arr_clock = dy.Int32()
    sched_arr_at = dy.Datetime(time_zone="UTC", time_unit="us")
    arr_clock = dy.Int32(nullable=True)
    arr_at = dy.Datetime(time_zone="UTC", time_unit="us", nullable=True)
    arr_delay_min = dy.Int32(nullable=True)
    air_time_min = dy.Int32(nullable=True, min=1)
    distance_miles = dy.Int32(min=1)

    @dy.rule()
    def in_the_file_of_its_day(cls) -> pl.Expr:
        return pl.col("flight_date").dt.to_string("%Y-%m-%d") == pl.col("ds")

    @dy.rule()
    def departed_at_a_real_time(cls) -> pl.Expr:
        return (pl.col("status") == "cancelled") | pl.col("dep_at").is_not_null()

    @dy.rule()
    def arrived_at_a_real_time(cls) -> pl.Expr:
        return (pl.col("status") != "arrived") | pl.col("arr_at").is_not_null()

    @dy.rule()
    def cancelled_never_moved(cls) -> pl.Expr:
        moved = pl.any_horizontal(pl.col("dep_delay_min", "arr_clock", "arr_delay_min", "air_time_min").is_not_null())
        return (pl.col("status") != "cancelled") | ~moved

    @dy.rule()
    def departed_with_an_aircraft(cls) -> pl.Expr:
        return (pl.col("status") == "cancelled") | pl.col("tailnum").is_not_null()

    @dy.rule()
    def in_the_air_between_departure_and_arrival(cls) -> pl.Expr:
        return pl.col("air_time_min") < (pl.col("arr_at") - pl.col("dep_at")).dt.total_minutes()

    @dy.rule()
    def no_faster_than_an_airliner(cls) -> pl.Expr:
        return pl.col("distance_miles") * 60 <= FASTEST_MPH * pl.col("air_time_min")
