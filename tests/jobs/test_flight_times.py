"""Clocks to instants: midnight, and the two nights a year that are not 24 hours long."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from flight_times import ZONES, at_clock, clock, if_clock_agrees, next_at_clock, to_local, to_utc, zone_of

NEW_YORK = pl.lit("America/New_York")


def value(expression: pl.Expr) -> object:
    return pl.select(expression).item()


def local(text: str) -> pl.Expr:
    return pl.lit(dt.datetime.fromisoformat(text))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("hhmm", "expected"),
    [
        pytest.param(5, "2013-02-01T00:05", id="five past midnight is written 5"),
        pytest.param(1545, "2013-02-01T15:45", id="afternoon"),
        pytest.param(2400, "2013-02-02T00:00", id="2400 is the midnight that ends the day"),
        pytest.param(0, "2013-02-01T00:00", id="0 is the midnight that begins it"),
    ],
)
def test_a_clock_reading_becomes_a_local_time(hhmm: int, expected: str) -> None:
    assert value(at_clock(pl.lit(dt.date(2013, 2, 1)), pl.lit(hhmm))) == dt.datetime.fromisoformat(expected)


@pytest.mark.parametrize("hhmm", [1260, 2401, -5, None], ids=["no 60th minute", "past midnight", "negative", "no reading"])
def test_what_no_clock_can_show_has_no_time(hhmm: int | None) -> None:
    assert value(at_clock(pl.lit(dt.date(2013, 2, 1)), pl.lit(hhmm, dtype=pl.Int64))) is None


@pytest.mark.parametrize(
    ("when", "zone", "expected"),
    [
        pytest.param("2013-02-01T12:00", "America/New_York", "2013-02-01T17:00", id="winter in New York"),
        pytest.param("2013-07-01T12:00", "America/New_York", "2013-07-01T16:00", id="summer in New York"),
        pytest.param("2013-07-01T12:00", "America/Phoenix", "2013-07-01T19:00", id="Phoenix has no summer time"),
        pytest.param("2013-07-01T12:00", "America/Puerto_Rico", "2013-07-01T16:00", id="nor has Puerto Rico"),
        pytest.param("2013-03-10T01:59", "America/New_York", "2013-03-10T06:59", id="the last minute of winter"),
        pytest.param("2013-03-10T03:00", "America/New_York", "2013-03-10T07:00", id="the first minute of summer"),
    ],
)
def test_a_local_time_becomes_an_instant_in_its_own_zone(when: str, zone: str, expected: str) -> None:
    assert value(to_utc(local(when), pl.lit(zone))) == utc(expected)


def test_a_local_time_the_clock_jumped_over_has_no_instant() -> None:
    assert value(to_utc(local("2013-03-10T02:03"), NEW_YORK)) is None


@pytest.mark.parametrize(
    ("twice", "expected"),
    [("earliest", utc("2013-11-03T05:30")), ("latest", utc("2013-11-03T06:30")), ("null", None)],
    ids=["the first", "the second", "neither is guessed"],
)
def test_an_hour_lived_twice_is_resolved_only_on_request(twice: str, expected: dt.datetime | None) -> None:
    assert value(to_utc(local("2013-11-03T01:30"), NEW_YORK, twice=twice)) == expected


def test_an_unknown_zone_gives_no_instant() -> None:
    assert value(to_utc(local("2013-02-01T12:00"), pl.lit("Mars/Olympus"))) is None


@pytest.mark.parametrize("zone", ZONES)
def test_to_local_undoes_to_utc(zone: str) -> None:
    there = local("2013-07-01T12:34")
    assert value(to_local(to_utc(there, pl.lit(zone)), pl.lit(zone))) == dt.datetime(2013, 7, 1, 12, 34)  # noqa: DTZ001  # a local clock has no zone


@pytest.mark.parametrize(
    ("hhmm", "expected"),
    [
        pytest.param(2350, "2013-02-01T23:50", id="the same evening"),
        pytest.param(15, "2013-02-02T00:15", id="past midnight"),
        pytest.param(2400, "2013-02-02T00:00", id="at midnight"),
        pytest.param(2230, "2013-02-02T22:30", id="the very minute of departure is a day later"),
    ],
)
def test_an_arrival_is_the_next_time_the_clock_shows_it(hhmm: int, expected: str) -> None:
    assert value(next_at_clock(pl.lit(hhmm), local("2013-02-01T22:30"))) == dt.datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("hhmm", "kept"), [(700, True), (701, False), (None, False)], ids=["agrees", "differs", "no reading"]
)
def test_an_instant_is_kept_only_while_the_clock_agrees(hhmm: int | None, kept: bool) -> None:
    instant = pl.lit(utc("2013-02-01T12:00"))
    assert (value(if_clock_agrees(instant, NEW_YORK, pl.lit(hhmm, dtype=pl.Int64))) is not None) is kept


def test_midnight_agrees_with_both_ways_of_writing_it() -> None:
    midnight = pl.lit(utc("2013-02-02T05:00"))
    assert value(clock(to_local(midnight, NEW_YORK))) == 0
    assert value(if_clock_agrees(midnight, NEW_YORK, pl.lit(2400))) == utc("2013-02-02T05:00")


def test_a_listed_zone_wins_over_the_one_kept_for_territories() -> None:
    nothing = pl.lit(None, dtype=pl.String)
    assert value(zone_of(pl.lit("SJU"), nothing)) == "America/Puerto_Rico"
    assert value(zone_of(pl.lit("SJU"), pl.lit("America/New_York"))) == "America/New_York"
    assert value(zone_of(pl.lit("XXX"), nothing)) is None
