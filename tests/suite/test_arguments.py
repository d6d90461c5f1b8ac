"""A transform's keyword-only arguments: parameters, typed as declared, one spelling a value."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import not_in_a_pod, on_disk

JOBS = """
import datetime as dt

@job(
    inputs={},
    output=Delta("{lake}/out", append=True),
    params={
        "day": Param(type="date"),
        "hour": Param(type="int"),
        "rate": Param(type="float", default=0.5),
        "late": Param(type="bool", default=False),
    },
    memory="512Mi",
)
def echoed(*, day, hour, rate, late, note):
    assert [type(value) for value in (day, hour, rate, late, note)] == [dt.date, int, float, bool, str]
    row = {"day": day, "hour": hour, "rate": rate, "late": late, "note": note}
    return pl.LazyFrame([row])

@job(inputs={}, output=Delta("{lake}/{shop}/out", append=True), memory="512Mi")
def placed():
    return pl.LazyFrame({"id": [1]})

@job(inputs={}, output=Delta("{lake}/zones", replace={"zone": "{zone}"}), memory="512Mi")
def owned(*, zone):
    return pl.LazyFrame({"id": [1], "zone": [zone]})
"""


def test_parameters_arrive_as_the_types_that_were_declared(bench: Bench) -> None:
    note = "it's {no} template, ../no path?\\n& %2e 'more' \0"
    bench.publish("echoed", day="2024-02-29", hour="-7", late="True", note=note)
    assert bench.rows("out") == [(dt.date(2024, 2, 29), -7, 0.5, True, note)]


@on_disk
def test_two_spellings_of_the_same_values_are_one_run(bench: Bench) -> None:
    bench.publish("echoed", day="2024-02-29", hour="7", note="x")
    again = bench.run("echoed", day="20240229", hour="07", rate="0.50", late="FALSE", note="x")
    assert again.verdict.category == "skipped"


@on_disk
@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"hour": "7", "note": "x"}, ["missing: day"], id="missing"),
        pytest.param({"day": "2024-02-29", "hours": "7", "note": "x"}, ["unknown: hours", "mean 'hour'?"], id="extra"),
        pytest.param({"day": "29.02.2024", "hour": "7", "note": "x"}, ["'day' must be a date", "29.02.2024"], id="date"),
        pytest.param({"day": "2024-02-29", "hour": "7.5", "note": "x"}, ["'hour' must be a int"], id="int"),
        pytest.param({"day": "2024-02-29", "hour": "7", "late": "2", "note": "x"}, ["'late' must be a bool"], id="bool"),
        pytest.param({"day": "2024-02-29", "hour": "7", "note": "x" * 70_000}, ["'note' is too long"], id="length"),
        pytest.param({"day": "2024-02-29", "hour": "7", "note": "x", "lake": "/"}, ["set by the plane"], id="reserved"),
    ],
)
def test_wrong_parameters_are_told_before_anything_runs(bench: Bench, given: dict[str, str], words: list[str]) -> None:
    assert bench.fails("echoed", "request_invalid", *words, **given).attempts == 0


@on_disk
@not_in_a_pod("it is refused before anything runs")
@pytest.mark.parametrize("shop", ["../x", "%2e%2e", "日" * 90], ids=["a parent folder", "an escaped one", "too long"])
def test_a_value_that_would_leave_its_place_is_told_before_anything_runs(bench: Bench, shop: str) -> None:
    assert bench.fails("placed", "request_invalid", "parameter 'shop'", "cannot be part of a path", shop=shop).attempts == 0


@on_disk
@not_in_a_pod("what a partition's folder is called does not depend on the plane")
def test_a_partition_may_be_named_by_any_text(bench: Bench) -> None:
    zones = ["Europe/Berlin", "..", "%2e%2e", "a' OR '1'='1", "#?*"]
    for zone in (*zones, *zones):
        bench.publish("owned", zone=zone, force=True)
    assert bench.rows("zones") == [(1, zone) for zone in sorted(zones, key=repr)]
