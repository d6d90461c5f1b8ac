"""Delays by airport: what is counted, what is left out, and who is blamed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from airport_delays import AirportDelays, airport_delays

AIRPORTS = pl.LazyFrame({"faa": ["JFK", "LAX"], "name": ["John F Kennedy Intl", "Los Angeles Intl"]})
FLIGHT = {"carrier": "B6", "origin": "JFK", "dest": "LAX", "status": "arrived", "dep_delay_min": 0, "arr_delay_min": 0}
CANCELLED = {"status": "cancelled", "dep_delay_min": None, "arr_delay_min": None}
DIVERTED = {"status": "diverted", "arr_delay_min": None}


def mart(*changes: dict[str, Any]) -> pl.DataFrame:
    schema = dict.fromkeys(FLIGHT, pl.String) | {"dep_delay_min": pl.Int32, "arr_delay_min": pl.Int32}
    flights = pl.LazyFrame([FLIGHT | change for change in changes], schema=schema)
    return AirportDelays.validate(airport_delays(flights, AIRPORTS, ds=dt.date(2013, 2, 1)).collect())


def row(frame: pl.DataFrame, direction: str) -> dict[str, Any]:
    return frame.row(by_predicate=pl.col("direction") == direction, named=True)


def test_a_flight_counts_at_both_of_its_ends() -> None:
    ends = mart({}).select("ds", "direction", "airport", "airport_name", "flights").sort("direction").rows()
    assert ends == [
        ("2013-02-01", "arrivals", "LAX", "Los Angeles Intl", 1),
        ("2013-02-01", "departures", "JFK", "John F Kennedy Intl", 1),
    ]


def test_departures_and_arrivals_have_their_own_delay() -> None:
    frame = mart({"dep_delay_min": 40, "arr_delay_min": -5}, {"dep_delay_min": 10, "arr_delay_min": 0})
    assert row(frame, "departures")["mean_delay_min"] == 25.0
    assert row(frame, "arrivals")["mean_delay_min"] == -2.5
    assert row(frame, "arrivals")["total_delay_min"] == -5


@pytest.mark.parametrize(("delay", "late"), [(14, 0), (15, 1), (16, 1)], ids=["14 minutes", "15 minutes", "16 minutes"])
def test_a_flight_is_late_from_the_fifteenth_minute_on(delay: int, late: int) -> None:
    assert row(mart({"dep_delay_min": delay}), "departures")["late"] == late


def test_a_cancelled_flight_is_counted_but_not_measured() -> None:
    counted = row(mart({"dep_delay_min": 30}, CANCELLED), "departures")
    assert (counted["flights"], counted["cancelled"], counted["measured"]) == (2, 1, 1)
    assert counted["mean_delay_min"] == 30.0
    assert counted["cancelled_share"] == 0.5


def test_a_diverted_flight_is_measured_where_it_left_only() -> None:
    frame = mart({}, DIVERTED)
    assert row(frame, "departures")["measured"] == 2
    assert row(frame, "arrivals")["measured"] == 1
    assert row(frame, "arrivals")["diverted"] == 1


def test_an_airport_where_nothing_left_has_no_mean_and_no_share() -> None:
    counted = row(mart(CANCELLED), "departures")
    assert [counted[name] for name in ("mean_delay_min", "max_delay_min", "late_share", "worst_carrier")] == [None] * 4
    assert counted["cancelled_share"] == 1.0


def test_the_worst_carrier_needs_more_than_one_bad_flight() -> None:
    steady = [{"carrier": "UA", "dep_delay_min": 20}] * 5
    counted = row(mart(*steady, {"carrier": "DL", "dep_delay_min": 500}), "departures")
    assert (counted["worst_carrier"], counted["worst_carrier_mean_delay_min"]) == ("UA", 20.0)
    assert counted["max_delay_min"] == 500


def test_of_two_carriers_equally_late_the_first_in_the_alphabet_is_named() -> None:
    flights = [{"carrier": carrier, "dep_delay_min": 20} for carrier in ("UA", "DL", "AA") for _ in range(5)]
    assert {row(mart(*flights), "departures")["worst_carrier"] for _ in range(5)} == {"AA"}


def test_an_airport_missing_from_the_table_keeps_its_flights() -> None:
    counted = row(mart({"dest": "SJU"}), "arrivals")
    assert (counted["airport"], counted["airport_name"], counted["flights"]) == ("SJU", None, 1)
