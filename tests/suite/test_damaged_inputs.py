"""Files that cannot be read: cut short, overwritten, or not of their format at all."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from tests.suite.bench import Bench, copying
from tests.suite.conftest import on_disk

JOBS = (
    copying("parquet", 'Parquet("{lake}/orders/*.parquet")')
    + copying("declared_parquet", 'Parquet("{lake}/orders/*.parquet", schema={"id": "Int64", "text": "String"})')
    + copying("csv", 'Csv("{lake}/orders/*.csv", schema={"id": "Int64", "text": "String"})')
    + copying("ndjson", 'NdJson("{lake}/orders/*.ndjson", schema={"id": "Int64", "text": "String"})')
    + copying("guessed_ndjson", 'NdJson("{lake}/orders/*.ndjson")')
    + copying("delta", 'Delta("{lake}/table")')
)
GOOD = pl.DataFrame({"id": range(500), "text": [f"text {number}" for number in range(500)]})
Damage = Callable[[bytes], bytes]


def garbage_in_the_middle(data: bytes) -> bytes:
    middle = len(data) // 4
    return data[:middle] + b"\xff" * (len(data) // 4) + data[middle + len(data) // 4 :]


def garbage_in_the_footer(data: bytes) -> bytes:
    return data[:-40] + b"\xff" * 30 + data[-10:]


@pytest.mark.parametrize("name", [pytest.param("parquet", id="undeclared"), pytest.param("declared_parquet", id="declared")])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut-short"),
        pytest.param(lambda data: b"", id="no-bytes"),
        pytest.param(lambda data: b"id,text\n1,x\n", id="another-format"),
        pytest.param(garbage_in_the_middle, id="garbage-in-the-middle"),
        pytest.param(garbage_in_the_footer, id="garbage-in-the-footer"),
    ],
)
@on_disk
def test_a_damaged_parquet_file_is_told_so(bench: Bench, name: str, damage: Damage) -> None:
    spoil_second(bench, damage)
    bench.fails(name, "input_unreadable", "Parquet input file is damaged, cut short or not Parquet", "Deliver it again")


@pytest.mark.parametrize("damage", [pytest.param(lambda data: data[: len(data) // 2], id="cut-short")])
def test_a_damaged_parquet_file_leaves_the_table_as_it_was(bench: Bench, damage: Damage) -> None:
    bench.put_delta("out", GOOD)
    spoil_second(bench, damage)
    bench.fails("parquet", "input_unreadable", "Deliver it again")
    assert bench.version("out") == 0
    assert bench.delta("out").height == GOOD.height


def spoil_second(bench: Bench, damage: Damage) -> None:
    bench.put("orders/a.parquet", GOOD)
    bench.put_bytes("orders/b.parquet", damage(bench.read_bytes("orders/a.parquet")))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param(b'2,"never ends\n', ["a quote that never ends"], id="open-quote"),
        pytest.param(b"2,x,y\n", ["more fields than the header"], id="too-many-fields"),
        pytest.param(b"2,\xff\xfe\n", ["not UTF-8"], id="not-utf-8"),
    ],
)
@on_disk
def test_a_broken_line_of_csv_is_told_so(bench: Bench, line: bytes, words: list[str]) -> None:
    bench.put_bytes("orders/a.csv", b"id,text\n1,x\n" + line)
    bench.fails("csv", "input_unreadable", *words, "Deliver the file again")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"id": 2, "text": "x"', id="cut-short"),
        pytest.param(b"nonsense", id="no-json"),
        pytest.param(b"[1, 2]", id="no-object"),
        pytest.param(b'{"id": 2, "text": "\xff"}', id="not-utf-8"),
    ],
)
@pytest.mark.parametrize("name", [pytest.param("ndjson", id="declared"), pytest.param("guessed_ndjson", id="undeclared")])
@on_disk
def test_a_broken_line_of_ndjson_is_told_so(bench: Bench, name: str, line: bytes) -> None:
    bench.put_bytes("orders/a.ndjson", b'{"id": 1, "text": "x"}\n' + line + b"\n")
    bench.fails(name, "input_unreadable")


@on_disk
def test_a_table_whose_file_is_gone_is_told_so(bench: Bench) -> None:
    bench.put_delta("table", GOOD)
    [name] = [name for name in bench.files("table") if name.endswith(".parquet")]
    bench.delete(f"table/{name}")
    bench.fails("delta", "input_missing", f"{name}: gone, its Delta log says", "Bring the files back")


@on_disk
def test_a_damaged_table_log_is_told_so(bench: Bench) -> None:
    bench.put_delta("table", GOOD)
    bench.put_bytes("table/_delta_log/00000000000000000000.json", b"{nonsense")
    ran = bench.fails("delta", "input_unreadable", "_delta_log/00000000000000000000.json: is cut, or no JSON, from line 1")
    assert ran.attempts == 0
    assert "<unknown>" not in ran.verdict.text()


@on_disk
def test_of_many_files_the_damaged_one_is_named(bench: Bench) -> None:
    for part in range(3):
        bench.put(f"raw/part-{part}.parquet", pl.DataFrame({"id": [part]}))
    bench.put_bytes("raw/part-1.parquet", bench.read_bytes("raw/part-1.parquet")[:-20])
    bench.write_job(copying("tidy", 'Parquet("{lake}/raw/*.parquet")'))
    ran = bench.fails("tidy", "input_unreadable")
    assert "part-1.parquet" in ran.verdict.evidence[0]
    assert "part-0.parquet" not in ran.verdict.evidence[0]
