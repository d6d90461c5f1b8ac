"""NDJSON is read exactly, every key of every row and file, or refused with file, line and value."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.reading import put, read, refusal

from polarpod.contract.dataset import NdJson
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.sources.files import text_lines as lines

SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def of(*values: str) -> str:
    return "".join(f'{{"v": {value}}}\n' for value in values)


@pytest.mark.parametrize(
    ("dtype", "text", "value"),
    [
        ("Int8", "-128", -128),
        ("Int16", "5", 5),
        ("UInt8", "255", 255),
        ("UInt16", "5", 5),
        ("UInt32", "5", 5),
        ("UInt64", "18446744073709551615", 2**64 - 1),
        ("Int64", "null", None),
        ("Float64", "1", 1.0),
        ("Float64", "1e3", 1000.0),
        ("Float64", "9007199254740992", 2.0**53),
        ("Float32", "16777216", 2.0**24),
        ("Float32", "0.5", 0.5),
        ("Boolean", "true", True),
        ("String", '"\\ud83d\\ude00 \\u0000"', "😀 \0"),
        ("String", "18446744073709551615", "18446744073709551615"),
        ("String", "true", "true"),
        ("String", '""', ""),
        ("Date", '"2024-02-29"', dt.date(2024, 2, 29)),
        ("Time", '"10:00:00"', dt.time(10)),
        ("Datetime[us, UTC]", '"2024-03-04T05:06:07+02:00"', dt.datetime(2024, 3, 4, 3, 6, 7, tzinfo=dt.UTC)),
        ("Decimal(18, 2)", "19.9", Decimal("19.90")),
        ("Decimal(18, 2)", '"1234567890123456.78"', Decimal("1234567890123456.78")),
        ("Decimal(18, 2)", "1234567890123456", Decimal(1234567890123456)),
        ("Decimal(18, 2)", "-1e3", Decimal(-1000)),
        ("List[Date]", '["2024-02-29", null]', [dt.date(2024, 2, 29), None]),
        ("List[Int8]", "[1, 2]", [1, 2]),
    ],
)
def test_a_declared_type_holds_its_values(tmp_path: Path, dtype: str, text: str, value: object) -> None:
    path = put(tmp_path, "a.ndjson", of(text))
    assert read(NdJson(str(path), schema={"v": dtype})).collect()["v"].to_list() == [value]


@pytest.mark.parametrize(
    ("dtype", "text", "shown"),
    [
        ("Int64", "9223372036854775808", "9223372036854775808"),
        ("Int64", "1.0", "1.0"),
        ("Int64", '"5"', "'5'"),
        ("Int64", "true", "True"),
        ("Int8", "128", "128"),
        ("UInt8", "-1", "-1"),
        ("Float32", "1e39", "1e+39"),
        ("Float64", "9007199254740993", "9007199254740993"),
        ("Float32", "16777217", "16777217"),
        ("List[Float64]", "[9007199254740993]", "9007199254740993"),
        ("Float64", '"1.5"', "'1.5'"),
        ("Float64", "true", "True"),
        ("String", "1.10", "1.1"),
        ("String", "-0", "-0"),
        ("String", "18446744073709551616", "18446744073709551616"),
        ("List[String]", '["x", -0]', "-0"),
        ("String", '{"a": 1}', "{'a': 1}"),
        ("Boolean", "1", "1"),
        ("Date", '"03/04/2024"', "'03/04/2024'"),
        ("Date", "5", "5"),
        ("Date", '""', "''"),
        ("Datetime", '"2024-03-04T05:06:07Z"', "'2024-03-04T05:06:07Z'"),
        ("Decimal(18, 2)", "19.999", "19.999"),
        ("Decimal(18, 2)", '"19.999"', "'19.999'"),
        ("Decimal(18, 2)", "123456789012345.67", "123456789012345.67"),
        ("Decimal(18, 2)", "1.00000000000000000001", "1.00000000000000000001"),
        ("Decimal(5, 2)", "1000", "1000"),
        ("Decimal(5, 2)", "1000.5", "1000.5"),
        ("Decimal(5, 2)", "true", "True"),
        ("List[Int64]", "[1, 1.5]", "1.5"),
        ("List[Int64]", "5", "5"),
        ("List[Date]", '["x"]', "'x'"),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_named_with_file_and_line(
    tmp_path: Path, dtype: str, text: str, shown: str
) -> None:
    path = put(tmp_path, "a.ndjson", of("null", "null", text))
    verdict = refusal(NdJson(str(path), schema={"v": dtype}))
    assert verdict.category == "input_mismatch"
    assert f"of input 'orders' holds {shown}, which is not " in verdict.summary
    assert verdict.evidence[0].startswith(f"{path}, line 3: v")
    assert verdict.evidence[0].endswith(f" = {shown}")


def test_a_type_that_ndjson_has_no_values_of_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "a.ndjson", of("1"))
    verdict = refusal(NdJson(str(path), schema={"v": "Binary"}))
    assert (verdict.category, verdict.evidence) == ("request_invalid", ["v: Binary"])


@pytest.mark.parametrize("schema", [pytest.param({"v": "Int64"}, id="declared"), pytest.param(None, id="undeclared")])
@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"v": 1', id="cut"),
        pytest.param('{"v": 1,}', id="comma-too-many"),
        pytest.param('{"v": 1},', id="comma-behind"),
        pytest.param('[{"v": 1}]', id="array"),
        pytest.param("null", id="null"),
        pytest.param('{"v": 1}{"v": 2}', id="two-objects"),
        pytest.param('{"v": 1, "v": 2}', id="key-twice"),
        pytest.param('{"v": 1, "w": {"a": 1, "a": ":"}}', id="nested-key-twice"),
        pytest.param('{"v": NaN}', id="nan"),
        pytest.param('{"v": Infinity}', id="infinity"),
        pytest.param('{"v": 1, "w": "\\ud800"}', id="lone-surrogate"),
        pytest.param("{'v': 1}", id="single-quotes"),
        pytest.param('{"v": 01}', id="leading-zero"),
        pytest.param('{"v": 1, "w": tru}', id="damage-in-another-key"),
        pytest.param('{"v": 1, "w": "a\tb"}', id="control-character"),
        pytest.param('{"v": 1} // x', id="comment"),
        pytest.param('{\n"v": 1}', id="over-two-lines"),
        pytest.param('\ufeff{"v": 1}', id="byte-order-mark"),
        pytest.param(b'{"v": 1, "w": "M\xfcller"}', id="latin-1"),
        pytest.param('{"v": 1, "w": ' + "[" * 101 + "]" * 101 + "}", id="deep"),
    ],
)
def test_a_line_that_is_no_json_object_is_named(tmp_path: Path, schema: dict[str, str] | None, line: str | bytes) -> None:
    put(tmp_path, "a.ndjson", of("0"))
    bad = line.encode() if isinstance(line, str) else line
    path = put(tmp_path, "b.ndjson", b'{"v": 0}\n\n' + bad + b'\n{"v": 2}\n')
    verdict = refusal(NdJson(str(tmp_path), schema=schema))
    assert verdict.category == "input_unreadable"
    assert f"{path}, line 3: " in verdict.evidence[0]


def test_keys_of_later_files_and_rows_are_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_BATCH_LINES", 2)
    first = "".join(f'{{"id": {row}, "p": {{"x": 1}}}}\n' for row in range(5))
    put(tmp_path, "a.ndjson", f'{first}{{"id": 5, "p": {{"y": 7}}, "refund": 99}}\n')
    put(tmp_path, "b.ndjson", '{"id": 6, "note": null}\n{"id": 7, "note": ["x"]}\n')
    frame = read(NdJson(str(tmp_path))).collect()
    assert frame.columns == ["id", "p", "refund", "note"]
    assert frame.row(5) == (5, {"x": None, "y": 7}, 99, None)
    assert frame.row(7) == (7, None, None, ["x"])


@pytest.mark.parametrize(
    ("values", "second"),
    [
        pytest.param(["1", '"x"'], "v = 'x' is a text", id="number-and-text"),
        pytest.param(["true", "1"], "v = 1 is a whole number", id="boolean-and-number"),
        pytest.param(["1.10", '"x"'], "v = 'x' is a text", id="fraction-and-text"),
        pytest.param(["[1]", "2"], "v = 2 is a whole number", id="list-and-number"),
        pytest.param(['{"a": 1}', '"x"'], "v = 'x' is a text", id="object-and-text"),
        pytest.param(['{"a": 1}', '{"a": "x"}'], "v.a = 'x' is a text", id="in-an-object"),
        pytest.param(["[1]", '[null, "x"]'], "v[] = 'x' is a text", id="in-a-list"),
    ],
)
def test_values_of_no_one_type_are_named(tmp_path: Path, values: list[str], second: str) -> None:
    put(tmp_path, "a.ndjson", of(values[0]))
    path = put(tmp_path, "b.ndjson", of("null", values[1]))
    verdict = refusal(NdJson(str(tmp_path)))
    assert verdict.category == "input_mismatch"
    assert any(line.startswith(f"{path}, line 2: {second}") for line in verdict.evidence)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param(["0.5", "9007199254740993"], "to be exact beside fractions", id="no-float-holds-it"),
        pytest.param(["-1", "9223372036854775808"], "for Int64, which the negative numbers need", id="beyond-int64"),
        pytest.param(["1", "18446744073709551616"], "for 64 bits", id="beyond-uint64"),
        pytest.param(["null", "18446744073709551616"], "for 64 bits", id="alone"),
    ],
)
def test_a_number_that_is_too_large_is_not_told_as_another_type(tmp_path: Path, values: list[str], why: str) -> None:
    put(tmp_path, "a.ndjson", of(values[0]))
    path = put(tmp_path, "b.ndjson", of("null", values[1]))
    verdict = refusal(NdJson(str(tmp_path)))
    assert verdict.category == "input_mismatch"
    assert "no one type" not in verdict.text()
    assert verdict.evidence == [f"{path}, line 2: v = {values[1]} is too large {why}"]


@pytest.mark.parametrize(
    ("values", "dtype"), [(["0.5", "9007199254740993"], "Decimal(38, 2)"), (["-1", "18446744073709551615"], "String")]
)
def test_a_number_that_is_too_large_is_read_as_its_remedy_says(tmp_path: Path, values: list[str], dtype: str) -> None:
    path = put(tmp_path, "a.ndjson", of(*values))
    found = read(NdJson(str(path), schema={"v": dtype})).collect()["v"].cast(pl.String).to_list()
    assert found[1].removesuffix(".00") == values[1]


def test_a_text_may_hold_what_looks_like_a_sign_that_is_lost(tmp_path: Path) -> None:
    path = put(tmp_path, "a.ndjson", of('"x: -0,"', '"-0"'))
    assert read(NdJson(str(path), schema={"v": "String"})).collect()["v"].to_list() == ["x: -0,", "-0"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        pytest.param(["1", "2.5"], pl.Float64(), id="numbers"),
        pytest.param(["9007199254740992", "0.5"], pl.Float64(), id="largest"),
        pytest.param(["9223372036854775808", "0"], pl.UInt64(), id="unsigned"),
        pytest.param(["null"], pl.Null(), id="nothing"),
        pytest.param(["-9223372036854775808"], pl.Int64(), id="smallest"),
        pytest.param(['"2024-01-01"'], pl.String(), id="date"),
        pytest.param(["null", '{"a": []}'], pl.Struct({"a": pl.List(pl.Null())}), id="object-with-an-empty-list"),
    ],
)
def test_an_undeclared_type_is_what_all_rows_hold(tmp_path: Path, values: list[str], dtype: pl.DataType) -> None:
    path = put(tmp_path, "a.ndjson", of(*values))
    frame = read(NdJson(str(path))).collect()
    assert frame.schema == {"v": dtype}
    assert frame["v"].to_list() == [json.loads(value) for value in values]


@pytest.mark.parametrize("name", ["step[1]", "a*", "q?", "c{1,2}", "p%20", "h#x", "s p", "ü", "b[!a]", "[[]", "a\\b", "s:x"])
@pytest.mark.parametrize("schema", [pytest.param({"v": "Int64"}, id="declared"), pytest.param(None, id="undeclared")])
def test_a_listed_name_is_read_as_that_file(tmp_path: Path, name: str, schema: dict[str, str] | None) -> None:
    for decoy in ("step1", "ab", "qx", "c1", "p ", "h", "bb", "["):
        put(tmp_path, f"in/{decoy}.ndjson", of("1"))
    put(tmp_path, f"in/{name}.ndjson", of("100"))
    frame = read(NdJson(str(tmp_path / "in"), schema=schema)).collect()
    assert frame["v"].sort().to_list() == [1] * 8 + [100]


INT64 = st.integers(-(2**63), 2**63 - 1)
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "i": INT64,
    "f": st.floats(allow_nan=False, allow_infinity=False),
    "b": st.booleans(),
    's"\\:': st.text(max_size=6),
    "l": st.lists(st.none() | INT64, max_size=3),
    "o": st.fixed_dictionaries({"x": st.none() | INT64, "ü": st.text(max_size=3)}),
}
TABLES = st.lists(
    st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in COLUMNS.items()}), min_size=1
)


def filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


@given(rows=TABLES, ascii_only=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
@SETTINGS
def test_what_the_standard_library_writes_is_read_back_equal(
    tmp_path: Path, rows: list[dict[str, Any]], ascii_only: bool, end: str
) -> None:
    text = end.join(json.dumps(row, ensure_ascii=ascii_only) for row in rows)
    path = put(tmp_path, "a.ndjson", text)
    frame = read(NdJson(str(path), allow_empty=True)).collect()
    if any(rows):
        assert frame.to_dicts() == filled(rows)


@given(
    rows=TABLES,
    edits=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 2), st.sampled_from(list(b'":,{}[]\n\\u1e. a\xff'))), max_size=3
    ),
)
@SETTINGS
def test_damaged_ndjson_is_read_as_the_standard_library_reads_it_or_refused(
    tmp_path: Path, rows: list[dict[str, Any]], edits: list[tuple[int, int, int]]
) -> None:
    data = bytearray("\n".join(json.dumps(row) for row in rows).encode())
    for position, edit, byte in edits:
        at = position % max(len(data), 1)
        data[at : at + (edit > 0)] = b"" if edit == 1 else bytes([byte])
    path = put(tmp_path, "a.ndjson", bytes(data))
    try:
        found = read(NdJson(str(path), allow_empty=True)).collect().to_dicts()
    except PolarpodError as error:
        verdict = error.verdict
    else:
        read_by_json = filled([json.loads(line) for line in data.decode().split("\n") if line.strip()])
        if any(read_by_json):
            assert [flat(row) for row in found] == [flat(row) for row in read_by_json]
        return
    assert verdict.category in ("input_unreadable", "input_mismatch", "input_empty")
    assert str(path) in verdict.text()


def flat(value: Any) -> Any:
    """Without keys that hold nothing: a column of objects has the keys of all of them."""
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items() if item is not None}
    return [flat(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("schema", [pytest.param({"v": "Float64"}, id="declared"), pytest.param(None, id="undeclared")])
@pytest.mark.parametrize("number", ["1e400", "-1e400", "[1e999]"], ids=str)
def test_a_number_that_no_float_reaches_is_told_as_one(tmp_path: Path, schema: Any, number: str) -> None:
    """It is JSON: the line is whole, and its value is what cannot be read."""
    path = put(tmp_path, "a.ndjson", of("1", number))
    verdict = refusal(NdJson(str(path), schema=schema))
    assert (verdict.category, verdict.summary) == (
        "input_mismatch",
        "input 'orders': a line of NDJSON has a number that is beyond Float64",
    )
    assert verdict.evidence == [f'{path}, line 2: {{"v": {number}}}']
    assert "as a text" in verdict.remedy


@pytest.mark.parametrize("name", ["a.ndjson.zst", "a.ndjson"], ids=["by its name", "whatever its name"])
def test_compressed_lines_are_read_whole_or_refused(tmp_path: Path, name: str) -> None:
    data = pa.compress(of(*map(str, range(999))).encode(), codec="zstd", asbytes=True)
    path = put(tmp_path, name, data)
    assert read(NdJson(str(path))).collect()["v"].to_list() == list(range(999))
    put(tmp_path, name, data[:-9])
    verdict = refusal(NdJson(str(path)))
    assert verdict.category == "input_unreadable", verdict.text()
    assert "compressed input file is damaged or cut short" in verdict.summary
    assert str(path) in verdict.evidence[0]


@pytest.mark.parametrize("schema", [pytest.param({"v": "Int64"}, id="declared"), pytest.param(None, id="undeclared")])
@pytest.mark.parametrize("bad", [pytest.param("x", id="no JSON"), pytest.param('"x"', id="another type")])
def test_a_line_has_its_number_in_whichever_batch_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: Any, bad: str
) -> None:
    monkeypatch.setattr(lines, "_BATCH_LINES", 2)
    path = put(tmp_path, "a.ndjson", of("1", "2", "3", "4", "5", bad, "7"))
    assert any(f"{path}, line 6: " in line for line in refusal(NdJson(str(path), schema=schema)).evidence)


@pytest.mark.parametrize("schema", [pytest.param({"v": "Int64"}, id="declared"), pytest.param(None, id="undeclared")])
def test_blank_lines_are_no_rows(tmp_path: Path, schema: Any) -> None:
    path = put(tmp_path, "a.ndjson", '{"v": 1}\n\n  \t\n{"v": 2}\n\n')
    assert read(NdJson(str(path), schema=schema)).collect()["v"].to_list() == [1, 2]


def test_a_key_that_comes_twice_is_seen_beside_a_line_of_many_brackets(tmp_path: Path) -> None:
    flat = f'{{"v": [{", ".join(["[]"] * 101)}]}}\n'
    path = put(tmp_path, "a.ndjson", flat + '{"v": [], "v": [[]]}\n')
    verdict = refusal(NdJson(str(path)))
    assert "the key 'v' twice in one object" in verdict.summary, verdict.text()
    assert f"{path}, line 2: " in verdict.evidence[0]


@pytest.mark.parametrize("number", ["3.5e38", "-3.5e38", "3.4028236e38"], ids=str)
def test_a_number_beyond_a_float_of_32_bits_is_refused(tmp_path: Path, number: str) -> None:
    largest = "3.4028234663852886e38"
    path = put(tmp_path, "a.ndjson", of(largest, f"-{largest}"))
    assert read(NdJson(str(path), schema={"v": "Float32"})).collect()["v"].to_list() == [float(largest), -float(largest)]
    put(tmp_path, "a.ndjson", of(largest, number))
    assert f"{path}, line 2: v = " in refusal(NdJson(str(path), schema={"v": "Float32"})).evidence[0]


def test_a_decimal_takes_the_digits_of_a_number_that_are_exact_in_every_parser(tmp_path: Path) -> None:
    schema = {"v": "Decimal(38, 15)"}
    path = put(tmp_path, "a.ndjson", of("1.23456789012345", "-9.99999999999999"))
    rows = read(NdJson(str(path), schema=schema)).collect()["v"].to_list()
    assert rows == [Decimal("1.23456789012345"), Decimal("-9.99999999999999")]
    put(tmp_path, "a.ndjson", of("1", "1.234567890123456"))
    assert "15 are exact, write it as text" in refusal(NdJson(str(path), schema=schema)).summary
