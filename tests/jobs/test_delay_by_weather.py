"""Delays by weather: which hour is looked up, what its weather is called, and that no flight is lost or doubled."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from delay_by_weather import RAIN_INCHES, VISIBILITY_MILES, WIND_MPH, DelayByWeather, bucket, delay_by_weather
from flights_schema import LANDED_WEATHER

CALM = {"origin": "JFK", "wind_speed": 5.0, "precip": 0.0, "visib": 10.0, "time_hour": "2013-02-01T17:00:00Z"}


def flights(*departures: str) -> pl.LazyFrame:
    rows = [{"origin": "JFK", "status": "arrived", "sched_dep_at": text, "dep_delay_min": 20} for text in departures]
    schema = {"origin": pl.String, "status": pl.String, "sched_dep_at": pl.String, "dep_delay_min": pl.Int32}
    instant = pl.col("sched_dep_at").str.to_datetime(time_unit="us", time_zone="UTC")
    return pl.LazyFrame(rows, schema=schema).with_columns(instant)


def mart(departures: list[str], *hours: dict[str, Any]) -> list[dict[str, Any]]:
    weather = pl.LazyFrame(list(hours), schema={column: getattr(pl, name) for column, name in LANDED_WEATHER.items()})
    frame = delay_by_weather(flights(*departures), weather, ds=dt.date(2013, 2, 1)).collect()
    return DelayByWeather.validate(frame).sort("flights").to_dicts()


def test_a_flight_meets_the_weather_of_its_scheduled_hour() -> None:
    [found] = mart(["2013-02-01T17:59:00"], CALM, CALM | {"time_hour": "2013-02-01T18:00:00Z", "wind_speed": 30.0})
    assert (found["ds"], found["origin"]) == ("2013-02-01", "JFK")
    assert (found["wind"], found["rain"], found["visibility"]) == ("light", "none", "vfr")
    assert (found["flights"], found["late"], found["mean_delay_min"]) == (1, 1, 20.0)


def test_the_two_local_hours_of_the_night_the_clocks_go_back_are_kept_apart() -> None:
    # both are 1 o'clock in New York
    twice = [CALM | {"time_hour": f"2013-11-03T0{hour}:00:00Z", "wind_speed": 20.0 * (hour - 5)} for hour in (5, 6)]
    found = mart(["2013-11-03T05:30:00", "2013-11-03T06:30:00", "2013-11-03T06:45:00"], *twice)
    assert [(row["wind"], row["flights"]) for row in found] == [("light", 1), ("fresh", 2)]


def test_an_hour_reported_twice_does_not_double_its_flights_and_the_worse_report_counts() -> None:
    [found] = mart(["2013-02-01T17:10:00"], CALM, CALM | {"precip": 0.2, "visib": 2.0})
    assert (found["flights"], found["rain"], found["visibility"]) == (1, "moderate", "ifr")


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param([], id="the whole day"),
        pytest.param([CALM | {"time_hour": "2013-02-01T05:00:00Z"}], id="this hour"),
        pytest.param([CALM | {"origin": "LGA"}], id="this airport"),
    ],
)
def test_a_flight_whose_weather_is_missing_still_counts(hours: list[dict[str, Any]]) -> None:
    [found] = mart(["2013-02-01T17:10:00"], *hours)
    assert (found["flights"], found["wind"], found["rain"], found["visibility"]) == (1, "unknown", "unknown", "unknown")


def test_a_wind_no_one_would_survive_is_an_unknown_wind() -> None:
    [found] = mart(["2013-02-01T17:10:00"], CALM | {"wind_speed": 1048.36058})
    assert (found["wind"], found["visibility"]) == ("unknown", "vfr")


@pytest.mark.parametrize(
    ("bounds", "value", "name"),
    [
        pytest.param(WIND_MPH, 0.0, "light", id="no wind"),
        pytest.param(WIND_MPH, 13.0, "fresh", id="13 mph is no longer light"),
        pytest.param(WIND_MPH, 42.6, "above", id="42.6 mph"),
        pytest.param(RAIN_INCHES, 0.0, "none", id="dry"),
        pytest.param(RAIN_INCHES, 0.01, "light", id="the least a gauge can measure"),
        pytest.param(RAIN_INCHES, 0.1, "light", id="a tenth of an inch is still light"),
        pytest.param(RAIN_INCHES, 0.31, "above", id="0.31 inches"),
        pytest.param(VISIBILITY_MILES, 0.75, "low ifr", id="three quarters of a mile"),
        pytest.param(VISIBILITY_MILES, 5.0, "marginal vfr", id="five miles are still marginal"),
        pytest.param(VISIBILITY_MILES, 6.0, "above", id="six miles"),
        pytest.param(WIND_MPH, None, "unknown", id="no value"),
    ],
)
def test_a_value_is_in_the_bucket_that_its_name_says(bounds: Any, value: float | None, name: str) -> None:
    assert pl.select(bucket(pl.lit(value, dtype=pl.Float64), bounds, above="above")).item() == name
