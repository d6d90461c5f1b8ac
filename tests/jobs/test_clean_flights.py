"""One landed line at a time: what becomes of it, and which rule sends it to quarantine."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from clean_flights import clean_flights
from flights_schema import LANDED_FLIGHTS, CleanFlight

AIRPORTS = pl.LazyFrame(
    {"faa": ["JFK", "PBI", "LAX"], "tzone": ["America/New_York", "America/New_York", "America/Los_Angeles"]}
)

# 22:00 in New York to 01:20 in Los Angeles: past midnight in both, and into another UTC day
FLIGHT: dict[str, Any] = {
    "year": 2013, "month": 2, "day": 1, "dep_time": 2210, "sched_dep_time": 2200, "dep_delay": 10,
    "arr_time": 130, "sched_arr_time": 120, "arr_delay": 10, "carrier": "B6", "flight": 35, "tailnum": "N337JB",
    "origin": "JFK", "dest": "LAX", "air_time": 340, "distance": 2475, "hour": 22, "minute": 0,
    "time_hour": "2013-02-02T03:00:00Z",
}  # fmt: skip
CANCELLED = dict.fromkeys(["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "tailnum"])
LAST_NIGHT_OF_WINTER = {
    "month": 3, "day": 9, "dep_time": 2306, "sched_dep_time": 2145, "dep_delay": 81, "arr_time": 203,
    "sched_arr_time": 34, "arr_delay": 89, "dest": "PBI", "air_time": 141, "distance": 1028,
    "time_hour": "2013-03-10T02:00:00Z",
}  # fmt: skip


def landed(*changes: dict[str, Any]) -> pl.LazyFrame:
    schema = {column: getattr(pl, name) for column, name in LANDED_FLIGHTS.items()}
    return pl.LazyFrame([FLIGHT | change for change in changes], schema=schema)


def cleaned(*changes: dict[str, Any], ds: dt.date = dt.date(2013, 2, 1)) -> list[dict[str, Any]]:
    return clean_flights(landed(*changes), AIRPORTS, ds=ds).collect().to_dicts()


def broken_rules(*changes: dict[str, Any], ds: dt.date = dt.date(2013, 2, 1)) -> set[str]:
    _, failure = CleanFlight.filter(clean_flights(landed(*changes), AIRPORTS, ds=ds).collect())
    return {rule for rule, count in failure.counts().items() if count}


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_what_comes_out_is_what_the_schema_promises() -> None:
    assert clean_flights(landed({}), AIRPORTS, ds=dt.date(2013, 2, 1)).collect_schema() == CleanFlight.create_empty().schema
    assert broken_rules({}) == set()


def test_departures_are_dated_at_the_origin_and_arrivals_at_the_destination() -> None:
    [flight] = cleaned({})
    assert flight["ds"] == "2013-02-01"
    assert flight["sched_dep_at"] == utc("2013-02-02T03:00")
    assert flight["dep_at"] == utc("2013-02-02T03:10")
    assert flight["sched_arr_at"] == utc("2013-02-02T09:20")
    assert flight["arr_at"] == utc("2013-02-02T09:30")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({}, "arrived", id="arrived"),
        pytest.param(CANCELLED, "cancelled", id="never left"),
        pytest.param({"arr_delay": None, "air_time": None}, "diverted", id="came in somewhere, some time"),
        pytest.param({"arr_time": None, "arr_delay": None, "air_time": None}, "diverted", id="left and was not seen again"),
    ],
)
def test_the_status_is_read_from_what_is_missing(change: dict[str, Any], status: str) -> None:
    assert [flight["status"] for flight in cleaned(change)] == [status]
    assert broken_rules(change) == set()


def test_a_line_delivered_twice_is_one_flight() -> None:
    assert len(cleaned({}, {}, {"flight": 36})) == 2


def test_two_accounts_of_one_flight_are_both_doubtful() -> None:
    # 2013 has neither kind of duplicate: this is for the day upstream sends a file twice
    good, failure = CleanFlight.filter(
        clean_flights(landed({}, {"tailnum": "N999JB"}, {"flight": 36}), AIRPORTS, ds=dt.date(2013, 2, 1)).collect()
    )
    assert good["flight"].to_list() == [36]
    assert failure.counts() == {"primary_key": 2}


def test_a_second_half_past_one_is_told_from_the_first_by_the_hour_in_utc() -> None:
    night = {"month": 11, "day": 3, "sched_dep_time": 130, "dep_time": 130, "dep_delay": 0, "sched_arr_time": 500}
    for hour in (5, 6):
        [flight] = cleaned(night | {"time_hour": f"2013-11-03T{hour:02}:00:00Z"}, ds=dt.date(2013, 11, 3))
        assert flight["sched_dep_at"] == utc(f"2013-11-03T{hour:02}:30")


def test_an_arrival_after_the_clocks_went_forward_is_an_hour_nearer_in_utc() -> None:
    [flight] = cleaned(LAST_NIGHT_OF_WINTER | {"arr_time": 303}, ds=dt.date(2013, 3, 9))
    assert flight["arr_at"] == utc("2013-03-10T07:03")


@pytest.mark.parametrize(
    ("change", "ds", "rules"),
    [
        # B6 35 to West Palm Beach, as the source has it: nobody's clock showed 02:03 that night
        pytest.param(LAST_NIGHT_OF_WINTER, "2013-03-09", {"arrived_at_a_real_time"}, id="arrived in the skipped hour"),
        pytest.param(
            CANCELLED | {"month": 3, "day": 10, "sched_dep_time": 230, "time_hour": "2013-03-10T07:00:00Z"},
            "2013-03-10", {"sched_dep_at|nullability", "sched_arr_at|nullability"}, id="scheduled in the skipped hour",
        ),
        pytest.param({"dep_time": 2211}, "2013-02-01", {"departed_at_a_real_time"}, id="clock and delay disagree"),
        pytest.param({}, "2013-02-02", {"in_the_file_of_its_day"}, id="in another day's file"),
        pytest.param({"tailnum": None}, "2013-02-01", {"departed_with_an_aircraft"}, id="left without an aircraft"),
        pytest.param({"air_time": 65}, "2013-02-01", {"no_faster_than_an_airliner"}, id="2,285 miles an hour"),
        pytest.param({"air_time": 500}, "2013-02-01", {"in_the_air_between_departure_and_arrival"}, id="longer in the air"),
        pytest.param(CANCELLED | {"arr_time": 130}, "2013-02-01", {"cancelled_never_moved"}, id="arrived but never left"),
        pytest.param(
            CANCELLED | {"dest": "XXX"}, "2013-02-01",
            {"dest_zone|nullability", "sched_arr_at|nullability"}, id="nowhere known",
        ),
        pytest.param(
            CANCELLED | {"day": 31}, "2013-02-01",
            {"flight_date|nullability", "sched_dep_at|nullability", "sched_arr_at|nullability"}, id="the 31st of February",
        ),
    ],
)  # fmt: skip
def test_a_doubtful_flight_breaks_a_rule_by_name(change: dict[str, Any], ds: str, rules: set[str]) -> None:
    assert broken_rules(change, ds=dt.date.fromisoformat(ds)) == rules
