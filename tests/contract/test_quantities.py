"""Amounts as authors write them, and as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod.contract.resources import Resources, format_bytes, parse_bytes, parse_cores
from polarpod.contract.verdict import PolarpodError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("512Mi", 512 * 2**20, id="binary"),
        pytest.param("4Gi", 4 * 2**30, id="gibibytes"),
        pytest.param("1Ti", 2**40, id="tebibytes"),
        pytest.param("2Ki", 2048, id="kibibytes"),
        pytest.param("5k", 5000, id="decimal kilo, lower case as in Kubernetes"),
        pytest.param("5M", 5_000_000, id="decimal"),
        pytest.param("1.5Gi", 1_610_612_736, id="a fraction"),
        pytest.param(" 10 ", 10, id="bare, with blanks"),
        pytest.param(123, 123, id="a number"),
        pytest.param("999999999999999", 999_999_999_999_999, id="fifteen digits, exactly"),
    ],
)
def test_memory_is_read_as_kubernetes_reads_it(text: str | int, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=repr(text))
        for text in ("", "4GB", "4gi", "4 Gi", "1e3", "-1", "0x10", "Gi", "4Gi4", 1.5, True, None)
    ],
)
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(PolarpodError, match="is not an amount of memory") as caught:
        parse_bytes(text)
    assert '"512Mi", "4Gi"' in caught.value.verdict.remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("500m", 0.5, id="millicores"),
        pytest.param("2", 2.0, id="text"),
        pytest.param("1.5", 1.5, id="a fraction"),
        pytest.param(2, 2.0, id="a whole number"),
        pytest.param(0.25, 0.25, id="a float"),
    ],
)
def test_cores_are_read_as_kubernetes_reads_them(text: str | float, expected: float) -> None:
    assert parse_cores(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=repr(text)[:20])
        for text in ("", "two", "1m5", "-1", "nan", "1e3", None, True, float("nan"), float("inf"), 10**400)
    ],
)
def test_what_is_no_amount_of_cpu_is_refused(text: str) -> None:
    with pytest.raises(PolarpodError, match="is not an amount of CPU"):
        parse_cores(text)


@pytest.mark.parametrize(
    ("cpu", "threads"),
    [
        pytest.param(0.1, 1, id="a tenth"),
        pytest.param(1.0, 1, id="one"),
        pytest.param(1.001, 2, id="a little more than one"),
        pytest.param(8, 8, id="eight"),
    ],
)
def test_threads_are_cores_rounded_up(cpu: float, threads: int) -> None:
    assert Resources(cpu=cpu).threads == threads


@pytest.mark.parametrize(
    ("count", "text"),
    [
        pytest.param(None, "-", id="unknown"),
        pytest.param(0, "0 B", id="nothing"),
        pytest.param(1023, "1023 B", id="bytes"),
        pytest.param(1024, "1.0 KiB", id="one unit up"),
        pytest.param(1_610_612_736, "1.5 GiB", id="one decimal"),
        pytest.param(200 * 2**20, "200 MiB", id="none above a hundred"),
        pytest.param(5 * 2**40, "5120 GiB", id="no unit above"),
    ],
)
def test_bytes_are_written_for_people(count: float | None, text: str) -> None:
    assert format_bytes(count) == text


@given(count=st.integers(0, 2**50))
def test_what_people_read_is_within_five_percent_of_the_truth(count: int) -> None:
    number, unit = format_bytes(count).split()
    size = float(number) * {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]
    assert abs(size - count) <= count * 0.05
