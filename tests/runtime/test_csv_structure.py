"""What is wrong with a CSV file is said with file and line, whatever a job selects of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from tests.runtime.reading import put, read, refusal

from polarpod.contract.dataset import Csv
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.sources.files import csv_structure

SCHEMA = {"id": "Int64", "name": "String"}
DECLARED = pytest.param(SCHEMA, id="declared")
UNDECLARED = pytest.param(None, id="undeclared")


@pytest.mark.parametrize("schema", [DECLARED, UNDECLARED])
@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        pytest.param('id,name\n1,5" pipe\n', 2, "a quote in the middle of a field", id="stray-quote"),
        pytest.param('id,name\n1,x\n2,"x"y\n', 3, "a quote in the middle of a field", id="text-behind-a-quote"),
        pytest.param('id,name\n1,x\n2, "x"\n', 3, "a quote in the middle of a field", id="blank-before-a-quote"),
        pytest.param('id,name\n1,"x\ny"z\n', 2, "a quote in the middle of a field", id="text-behind-a-quote-of-two-lines"),
        pytest.param('id,name\n1,"x\n2,y\n', 2, "a quote that never ends", id="open-quote"),
        pytest.param('id,"name\n1,x\n', 1, "a quote that never ends", id="open-quote-in-the-header"),
        pytest.param("id,name\n1,x\n2\n", 3, "fewer fields than the header: 1 instead of 2", id="short-line"),
        pytest.param("id,name\n1,x,y\n", 2, "more fields than the header: 3 instead of 2", id="long-line"),
        pytest.param('id,name\n1,"x\ny",z\n', 2, "more fields than the header: 3 instead of 2", id="long-record"),
        pytest.param("id,name\n1,x\n\n2,y\n", 3, "no fields: it is blank", id="blank-line"),
        pytest.param("id,name\n1,x\n\n", 3, "no fields: it is blank", id="blank-last-line"),
        pytest.param("\nid,name\n1,x\n", 1, "no fields: it is blank", id="blank-first-line"),
        pytest.param("id,name\r1,x\r", 1, "a carriage return outside of quotes", id="lines-of-an-old-mac"),
        pytest.param("id,name\n1,x\r2,y\n", 2, "a carriage return outside of quotes", id="mixed-line-ends"),
        pytest.param("id,name\n1,x\0\n", 2, "a NUL byte", id="nul"),
        pytest.param(b"id,name\n1,x\n2,M\xfcller\n", 3, "bytes that are not UTF-8", id="latin-1"),
        pytest.param(b"id,n\xe4me\n1,x\n", 1, "bytes that are not UTF-8", id="latin-1-in-the-header"),
        pytest.param("id,name\n1,x\n".encode("utf-16"), 1, "it looks like UTF-16", id="utf-16"),
        pytest.param("id,name\n1,x\n".encode("utf-16-le"), 1, "a NUL byte", id="utf-16-without-a-mark"),
        pytest.param("id,name\n\ufeffid,name\n", 2, "a byte order mark below the header", id="two-files-in-one"),
    ],
)
def test_a_line_that_is_not_csv_is_named(
    tmp_path: Path, schema: dict[str, str] | None, data: bytes | str, line: int, what: str
) -> None:
    put(tmp_path, "a.csv", "id,name\n0,good\n")
    path = put(tmp_path, "b.csv", data)
    verdict = refusal(Csv(str(tmp_path / "*.csv"), schema=schema))
    assert verdict.category == "input_unreadable"
    assert what in verdict.summary
    assert f"{path}, line {line}: " in verdict.evidence[0]
    assert "Deliver the file again" in verdict.remedy


FAR_APART = {500: '5" pipe', 90_000: '6" pipe'}


@pytest.mark.parametrize(
    ("rows", "odd"),
    [
        pytest.param(100_000, FAR_APART, id="two-far-apart"),
        pytest.param(10, {3: '5" pipe'}, id="one"),
        pytest.param(10, {0: '"'}, id="first"),
    ],
)
def test_a_stray_quote_is_refused_before_anything_is_selected(tmp_path: Path, rows: int, odd: dict[int, str]) -> None:
    path = put(tmp_path, "a.csv", "id,name,n\n" + "".join(f"{row},{odd.get(row, 'w')},1\n" for row in range(rows)))
    with pytest.raises(PolarpodError) as caught:
        read(Csv(str(path), schema={"id": "Int64", "name": "String", "n": "Int64"}))
    assert f"{path}, line {min(odd) + 2:,}: " in caught.value.verdict.evidence[0]


ZSTD = pa.compress(b"id,name\n" + b"1,x\n" * 999, codec="zstd", asbytes=True)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ZSTD[: len(ZSTD) // 2], id="zstd-cut-short"),
        pytest.param(ZSTD[:-1], id="zstd-without-its-last-byte"),
        pytest.param(ZSTD[:7] + b"\xff" + ZSTD[8:], id="zstd-with-another-byte"),
        pytest.param(ZSTD + b"garbage", id="zstd-with-garbage-behind"),
        pytest.param(gzip.compress(b"id,name\n1,x\n")[:-9], id="cut-short"),
        pytest.param(gzip.compress(b"id,name\n1,x\n")[:-4], id="checksum-cut-off"),
        pytest.param(gzip.compress(b"id,name\n1,x\n") + b"garbage", id="garbage-behind"),
        pytest.param(gzip.compress(b"id,name\n1,x\n")[:-8] + b"\1\2\3\4\x0c\0\0\0", id="wrong-checksum"),
    ],
)
def test_a_damaged_compressed_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, "a.csv.gz", data)
    verdict = refusal(Csv(str(path), schema=SCHEMA))
    assert verdict.category == "input_unreadable"
    assert str(path) in verdict.evidence[0]
    assert "Deliver it again" in verdict.remedy


@pytest.mark.parametrize("schema", [DECLARED, UNDECLARED])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'id,name\n1,x\n2,"y"\n', id="plain"),
        pytest.param(b'\xef\xbb\xbf"id",name\n1,x\n2,y', id="byte-order-mark-and-no-last-line-end"),
        pytest.param(b'id,name\r\n1,x\r\n"2","y"\r\n', id="windows"),
        pytest.param(gzip.compress(b"id,name\n1,x\n") + gzip.compress(b"2,y\n"), id="gzip-of-two-members"),
    ],
)
def test_what_is_csv_is_read(tmp_path: Path, schema: dict[str, str] | None, data: bytes) -> None:
    path = put(tmp_path, "a.csv", data)
    assert read(Csv(str(path), schema=schema)).collect().rows() == [(1, "x"), (2, "y")]


def test_records_of_several_lines_do_not_hide_what_stands_behind_them(tmp_path: Path) -> None:
    rows = "".join(f'{row},"a\nb,c\n""d"""\n' for row in range(3000))
    path = put(tmp_path, "a.csv", f"id,name\n{rows}")
    frame = read(Csv(str(path), schema=SCHEMA))
    assert frame.select(pl.len()).collect().item() == 3000
    assert frame.collect()["name"].unique().to_list() == ['a\nb,c\n"d"']
    put(tmp_path, "a.csv", f"id,name\n{rows}1\n")
    assert f"{path}, line 9,002: 1" in refusal(Csv(str(path), schema=SCHEMA)).evidence[0]


def test_records_may_go_over_the_batches_in_which_lines_are_read() -> None:
    form = csv_structure.Format(",", 2)
    lines = ["id,name", '1,"a', "b", 'c"', "2,x"]
    for cut in range(len(lines) + 1):
        batches = [pl.Series(lines[:cut], dtype=pl.String), pl.Series(lines[cut:], dtype=pl.String)]
        assert csv_structure.find_fault(batches, form) is None
        batches.append(pl.Series(["3"]))
        assert csv_structure.find_fault(batches, form) == (6, "fewer fields than the header: 1 instead of 2", "3")


def test_the_end_of_a_quote_is_not_looked_for_in_the_whole_of_a_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_structure, "_LONGEST_RECORD", 10)
    endless = (pl.Series([line]) for line in ["id,name", '1,"x', *["0123456789"] * 3])
    fault = csv_structure.find_fault(endless, csv_structure.Format(",", 2))
    assert fault == (2, "a quote that never ends", '1,"x')
    assert len(list(endless)) == 2


def test_a_header_with_line_breaks_is_one_record(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", 'id,"the\n""name"""\n1,x\n2,\n')
    assert read(Csv(str(path))).collect().to_dicts() == [{"id": 1, 'the\n"name"': "x"}, {"id": 2, 'the\n"name"': None}]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        pytest.param("id\n2\n", "lacks column 'name'", id="missing"),
        pytest.param("id,name,more\n2,y,z\n", "has the extra column 'more'", id="extra"),
        pytest.param("id,Name\n2,y\n", "lacks column 'name'", id="another-case"),
    ],
)
@pytest.mark.parametrize("schema", [DECLARED, UNDECLARED])
def test_files_with_other_columns_are_refused(
    tmp_path: Path, schema: dict[str, str] | None, second: str, words: str
) -> None:
    put(tmp_path, "a.csv", "id,name\n1,x\n")
    path = put(tmp_path, "b.csv", second)
    verdict = refusal(Csv(str(tmp_path), schema=schema))
    assert verdict.category == "input_mismatch"
    assert f"{path} {words}" in verdict.evidence


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "id,name,id\n1,x,2\n")
    verdict = refusal(Csv(str(path)))
    assert (verdict.category, verdict.evidence) == ("input_mismatch", [f"{path}: 'id'"])


def test_columns_may_have_another_order_in_each_file(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "id,name\n1,x\n")
    put(tmp_path, "b.csv", "name,id\ny,2\n")
    put(tmp_path, "c.csv", "id,name\n3,z\n")
    assert read(Csv(str(tmp_path))).collect().to_dicts() == [
        {"id": n, "name": t} for n, t in zip((1, 2, 3), "xyz", strict=True)
    ]


def test_files_without_rows_take_no_part_nor_do_empty_ones_where_they_are_normal(tmp_path: Path) -> None:
    for name, data in {"a": "id,name\n", "b": "", "c": "id,name\n1,x\n"}.items():
        put(tmp_path, f"{name}.csv", data)
    frame = read(Csv(str(tmp_path), allow_empty=True)).collect()
    assert frame.schema == {"id": pl.Int64, "name": pl.String}
    assert frame.rows() == [(1, "x")]


@pytest.mark.parametrize(
    "name",
    [
        "step[1]",
        "a*",
        "q?",
        "c{1,2}",
        "p%20",
        "h#x",
        "s p",
        "ü",
        "b[!a]",
        "[[]",
        "q'x",
        'q"x',
        "a\\b",
        "$x",
        "s:x",
        "~x",
        "+x",
    ],
)
def test_a_listed_name_is_read_as_that_file(tmp_path: Path, name: str) -> None:
    for decoy in ("step1", "ab", "qx", "c1", "p ", "h", "bb", "["):
        put(tmp_path, f"in/{decoy}.csv", "id\n1\n")
    put(tmp_path, f"in/{name}.csv", "id\n100\n")
    assert read(Csv(str(tmp_path / "in"))).collect()["id"].sort().to_list() == [1] * 8 + [100]
