"""A text is the value that its column's type says, exactly; or the run says which value of which line is none."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.reading import put, read, refusal

from polarpod.contract.dataset import Csv

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = dt.datetime(2024, 3, 4, 5, 6, 7)  # noqa: DTZ001  # a type without a zone has such moments


@pytest.mark.parametrize(
    ("dtype", "text", "value"),
    [
        ("Int64", "+5", 5), ("Int64", "007", 7), ("Int64", '""', None), ("Int8", "-128", -128),
        ("UInt64", "18446744073709551615", 2**64 - 1),
        ("Float64", "1e3", 1000.0), ("Float64", "-inf", float("-inf")), ("Float64", " 1.5", 1.5),
        ("Float64", "+9007199254740992", 2.0**53),
        ("Float64", "100000000000000000000", 1e20), ("Float64", "0.12345678901234567", 0.12345678901234567),
        ("Float64", "9007199254740993.0", 2.0**53), ("Float32", "16777216", 2.0**24), ("Float64", " ", None),
        ("Boolean", "True", True), ("Boolean", "false", False),
        ("Decimal(18, 2)", "19.99", Decimal("19.99")), ("Decimal(18, 2)", "-.5", Decimal("-0.50")),
        ("Decimal(18, 2)", "1.500", Decimal("1.50")), ("Decimal(2, 2)", "0.55", Decimal("0.55")),
        ("Decimal(18, 2)", "0000000000000000000000000000000000000000001", Decimal("1.00")),
        ("Decimal(18, 2)", "9999999999999999.99", Decimal("9999999999999999.99")),
        ("Date", "2024-02-29", dt.date(2024, 2, 29)), ("Date", "9999-12-31", dt.date(9999, 12, 31)), ("Date", '""', None),
        ("Datetime", "2024-03-04T05:06:07", MORNING),
        ("Datetime", "2024-03-04 05:06:07.1234560", MORNING.replace(microsecond=123456)),
        ("Datetime", "2024-03-04 05:06", MORNING.replace(second=0)),
        ("Datetime", "2024-03-04", MORNING.replace(hour=0, minute=0, second=0)),
        ("Datetime[us, UTC]", "2024-03-04T05:06:07-02:30", dt.datetime(2024, 3, 4, 7, 36, 7, tzinfo=dt.UTC)),
        ("Datetime[us, UTC]", "2024-03-04T05:06:07Z", dt.datetime(2024, 3, 4, 5, 6, 7, tzinfo=dt.UTC)),
        ("Datetime[us, UTC]", "2024-03-04T05:06:07", dt.datetime(2024, 3, 4, 5, 6, 7, tzinfo=dt.UTC)),
        ("Datetime[us, Europe/Berlin]", "2024-10-27T02:30:00+01:00",
         dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN)),
        ("Time", "10:00", dt.time(10)), ("Time", "23:59:59.000001", dt.time(23, 59, 59, 1)),
        ("String", "007", "007"), ("String", '""', ""), ("String", "", None), ("String", " x ", " x "),
    ],
)  # fmt: skip
def test_a_text_that_spells_a_value_is_that_value(tmp_path: Path, dtype: str, text: str, value: object) -> None:
    path = put(tmp_path, "a.csv", f"n,v\n1,{text}\n")
    assert read(Csv(str(path), schema={"n": "Int64", "v": dtype})).collect()["v"].to_list() == [value]


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        ("Int64", "1.0"), ("Int64", "1e3"), ("Int64", "9223372036854775808"), ("Int64", "1_000"), ("Int64", "5 "),
        ("Int64", "\u0663"),
        ("Int8", "128"), ("UInt8", "-1"), ("Int64", '"1,000"'),
        ("Float64", "1e400"), ("Float64", "one"), ("Float64", '"1,5"'), ("Float32", "1e39"),
        ("Float64", "9007199254740993"), ("Float64", "-09007199254740993"), ("Float64", "1" + "0" * 38 + "1"),
        ("Float32", "16777217"),
        ("Boolean", "1"), ("Boolean", "yes"), ("Boolean", "T"),
        ("Decimal(18, 2)", "19.999"), ("Decimal(18, 2)", "0.005"), ("Decimal(18, 2)", "1e3"), ("Decimal(18, 2)", "."),
        ("Decimal(18, 2)", "99999999999999999"), ("Decimal(2, 2)", "1.0"), ("Decimal(18, 2)", "\u0663"),
        ("Date", "03/04/2024"), ("Date", "12/31/2024"), ("Date", "2024-2-29"), ("Date", "2023-02-29"), ("Date", "20240304"),
        ("Date", "2024-03-04T00:00:00"),
        ("Datetime", "03/04/2024 05:06"), ("Datetime", "2024-03-04T05:06:07Z"), ("Datetime", "2024-03-04T05:06:07+02:00"),
        ("Datetime", "2024-03-04T05:06:07.1234567"), ("Datetime[ms]", "2024-03-04T05:06:07.1234"),
        ("Datetime", "2024-03-04T24:00:00"), ("Datetime", "2024-03-04T05:06:60"),
        ("Datetime[ns]", "2300-01-01T00:00:00"), ("Datetime[ns]", "1600-01-01"),
        ("Datetime[us, Europe/Berlin]", "2024-03-31T02:30:00"), ("Datetime[us, Europe/Berlin]", "2024-10-27T02:30:00"),
        ("Time", "24:00"), ("Time", "10:00:60"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_value_of_its_type_is_named_with_file_and_line(tmp_path: Path, dtype: str, text: str) -> None:
    path = put(tmp_path, "a.csv", f'n,v\n"1\n",\n2,{text}\n')
    verdict = refusal(Csv(str(path), schema={"n": "String", "v": dtype}))
    shown = text.strip('"')
    assert verdict.category == "input_mismatch"
    assert verdict.summary.startswith(f"column 'v' of input 'orders' holds {shown!r}, which is not ")
    assert verdict.evidence[0].startswith(f"{path}, line 4: v = {shown!r} is not ")
    assert "declare the column as String" in verdict.remedy


def test_a_word_for_nothing_is_nothing_in_every_type(tmp_path: Path) -> None:
    schema = {"i": "Int64", "d": "Decimal(9, 2)", "t": "Date", "s": "String"}
    path = put(tmp_path, "a.csv", "i,d,t,s\nNA,NA,NA,NA\n")
    assert read(Csv(str(path), schema=schema, null_values=["NA"])).collect().rows() == [(None, None, None, None)]


@pytest.mark.parametrize("dtype", ["Binary", "List[Int64]"])
def test_a_type_that_csv_has_no_values_of_is_refused(tmp_path: Path, dtype: str) -> None:
    path = put(tmp_path, "a.csv", "v\n1\n")
    verdict = refusal(Csv(str(path), schema={"v": dtype}))
    assert (verdict.category, verdict.evidence) == ("request_invalid", [f"v: {dtype}"])


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        pytest.param(["1", "-2", ""], [1, -2, None], id="whole-numbers"),
        pytest.param(["007", "2"], ["007", "2"], id="leading-zeros"),
        pytest.param(["+1", "2"], ["+1", "2"], id="plus-signs"),
        pytest.param(["1.5", "2"], [1.5, 2.0], id="numbers-with-whole-ones-bare"),
        pytest.param(["1.5", "2.0"], [1.5, 2.0], id="numbers-with-whole-ones-pointed"),
        pytest.param(["1.10", "1.1"], ["1.10", "1.1"], id="trailing-zeros"),
        pytest.param(["3.0", "3"], ["3.0", "3"], id="one-number-in-two-spellings"),
        pytest.param(["9223372036854775807"], [2**63 - 1], id="largest-whole-number"),
        pytest.param(["9223372036854775808"], ["9223372036854775808"], id="number-too-large"),
        pytest.param(["0.12345678901234567"], ["0.12345678901234567"], id="more-digits-than-a-float-has"),
        pytest.param(["1e3"], ["1e3"], id="exponent"),
        pytest.param(["true", "false"], [True, False], id="booleans"),
        pytest.param(["True", "false"], ["True", "false"], id="booleans-in-two-spellings"),
        pytest.param(["2024-01-02"], ["2024-01-02"], id="date"),
        pytest.param(['""', "1"], ["", "1"], id="quoted-nothing"),
        pytest.param(["", ""], [None, None], id="nothing-at-all"),
        pytest.param([*["1"] * 20_000, "x"], [*["1"] * 20_000, "x"], id="text-in-the-last-row"),
        pytest.param([*["1"] * 20_000, "01"], [*["1"] * 20_000, "01"], id="leading-zero-in-the-last-row"),
    ],
)
def test_an_undeclared_column_is_a_number_only_where_no_spelling_is_lost(
    tmp_path: Path, texts: list[str], values: list[object]
) -> None:
    path = put(tmp_path, "a.csv", "n,v\n" + "".join(f"x,{text}\n" for text in texts))
    assert read(Csv(str(path))).collect()["v"].to_list() == values


def test_an_undeclared_type_is_what_all_files_hold(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "id,v\n")
    put(tmp_path, "b.csv", "id,v\n1,3.5\n")
    put(tmp_path, "c.csv", "v,id\nx,02\n")
    assert read(Csv(str(tmp_path))).collect().rows() == [("1", "3.5"), ("02", "x")]


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**6), max_value=10**6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_decimal_is_exact_or_refused(tmp_path: Path, value: Decimal) -> None:
    path = put(tmp_path, "a.csv", f"n,v\n1,{value:f}\n")
    dataset = Csv(str(path), schema={"n": "Int64", "v": "Decimal(7, 2)"})
    if abs(value) < 10**5 and value == round(value, 2):
        assert read(dataset).collect()["v"].item() == value
    else:
        assert repr(f"{value:f}") in refusal(dataset).summary
