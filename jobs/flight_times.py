"""From a clock on an airport's wall to an instant, and back.

The source writes local times as integers, hhmm, with 2400 for the midnight that ends a day and no date beside an arrival.
Polars wants a time zone per column, the data has one per row: hence one branch a zone. All of it streams.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

# every zone of the airports New York's flights go to; a time in any other is null, and a rule then says so
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "America/St_Thomas",
)

# the airports table stops at the fifty states, the flights do not: 7,602 of 2013 went to these four
TERRITORIES = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}


def zone_of(airport: pl.Expr, listed: pl.Expr) -> pl.Expr:
    """The airport's IANA zone: as the airports table has it, else as a territory's."""
    territories = [pl.when(airport == code).then(pl.lit(zone)) for code, zone in TERRITORIES.items()]
    return pl.coalesce(listed, *territories)


def at_clock(day: pl.Expr, hhmm: pl.Expr) -> pl.Expr:
    """The local time at which a clock shows `hhmm` on `day`; null where no clock can show it (1260, 2515)."""
    readable = hhmm.is_between(0, 2400) & (hhmm % 100 < 60)
    return pl.when(readable).then(day.cast(pl.Datetime("us")) + pl.duration(hours=hhmm // 100, minutes=hhmm % 100))


def clock(local: pl.Expr) -> pl.Expr:
    """What a clock shows at a local time, midnight being 0."""
    return local.dt.hour().cast(pl.Int64) * 100 + local.dt.minute()


def to_utc(local: pl.Expr, zone: pl.Expr, *, twice: Literal["earliest", "latest", "null"] = "null") -> pl.Expr:
    """The instant of a local time, null where the clock jumped over it.

    `twice` chooses between the two instants of an hour the clock went through twice; by default neither is guessed.
    """

    def instant(name: str) -> pl.Expr:
        return local.dt.replace_time_zone(name, ambiguous=twice, non_existent="null").dt.convert_time_zone("UTC")

    return pl.coalesce(*[pl.when(zone == name).then(instant(name)) for name in ZONES])


def to_local(instant: pl.Expr, zone: pl.Expr) -> pl.Expr:
    """The local time of an instant, without a zone. Always defined."""
    return pl.coalesce(
        *[pl.when(zone == name).then(instant.dt.convert_time_zone(name).dt.replace_time_zone(None)) for name in ZONES]
    )


def next_at_clock(hhmm: pl.Expr, after: pl.Expr) -> pl.Expr:
    """The first local time later than `after` at which a clock shows `hhmm`; within 24 hours, as every flight here is."""
    same_day = at_clock(after.dt.date(), hhmm)
    return pl.when(same_day > after).then(same_day).otherwise(same_day + pl.duration(days=1))


def if_clock_agrees(instant: pl.Expr, zone: pl.Expr, hhmm: pl.Expr) -> pl.Expr:
    """The instant, or null where the local clock would have shown something else than the source says it did."""
    return pl.when(clock(to_local(instant, zone)) == hhmm % 2400).then(instant)
