"""CSV that Python's own module has written is read back equal; damaged, it is read as that module reads it, or refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.reading import put

from polarpod.contract.dataset import Csv
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.sources.files.csv_scan import scan_csv

# what matters to a reader of CSV, a few letters, and characters of two to four bytes
ALPHABET = '",;|\t \n\rab1.é€😀\u2028\x85\ufeff'
SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;|\t"),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    }
)
Table = list[list[str]]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(1, 4))
    names = [f"{draw(st.text(ALPHABET, max_size=4))}{position}" for position in range(width)]
    rows = draw(st.lists(st.lists(st.text(ALPHABET, max_size=6), min_size=width, max_size=width), max_size=12))
    for record in (names, *rows[:1]):
        record[0] = record[0].lstrip("\ufeff")  # there it would be a byte order mark
    return [names, *rows]


def written(table: Table, dialect: dict[str, object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(table)
    return text.getvalue().encode()


def expected(data: bytes, delimiter: str) -> Table | None:
    """The records as the standard library reads them; None where it refuses, or where they are not all of one width."""
    try:
        text = data.decode().removeprefix("\ufeff")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    return rows if rows and all(len(row) == len(rows[0]) for row in rows) else None


def found(path: Path, delimiter: str) -> pl.LazyFrame:
    names = next(csv.reader(io.StringIO(path.read_bytes().decode().removeprefix("\ufeff"), newline=""), delimiter=delimiter))
    dataset = Csv(str(path), schema=dict.fromkeys(names, "String"), separator=delimiter)
    return scan_csv("orders", dataset, [str(path)], {})


def as_rows(frame: pl.DataFrame) -> Table:
    return [["" if value is None else value for value in row] for row in frame.rows()]


@given(table=tables(), dialect=DIALECTS, mark=st.sampled_from([b"", b"\xef\xbb\xbf"]), cut=st.booleans())
@SETTINGS
def test_what_the_standard_library_writes_is_read_back_equal(
    tmp_path: Path, table: Table, dialect: dict[str, object], mark: bytes, cut: bool
) -> None:
    delimiter = str(dialect["delimiter"])
    if dialect["quoting"] == csv.QUOTE_MINIMAL:
        # https://github.com/python/cpython/issues/67230: up to 3.12 the writer leaves them without quotes
        table = [[value.replace("\r", "") for value in row] for row in table]
    data = mark + written(table, dialect)
    path = put(tmp_path, "a.csv", data.removesuffix(str(dialect["lineterminator"]).encode()) if cut else data)
    frame = found(path, delimiter)
    names, rows = table[0], table[1:]
    assert frame.collect_schema().names() == names
    assert as_rows(frame.collect()) == rows
    assert frame.select(pl.len()).collect().item() == len(rows)
    assert as_rows(frame.select(names[-1]).collect()) == [[row[-1]] for row in rows]
    assert as_rows(frame.head(2).collect()) == rows[:2]


@given(
    table=tables(),
    dialect=DIALECTS,
    edits=st.lists(
        st.tuples(
            st.integers(0, 400),
            st.sampled_from(["insert", "delete", "replace"]),
            st.sampled_from(list(b'",\n\r;a\0\xff\xc3')),
        ),
        min_size=1,
        max_size=3,
    ),
)
@SETTINGS
def test_damaged_csv_is_read_as_the_standard_library_reads_it_or_refused(
    tmp_path: Path, table: Table, dialect: dict[str, object], edits: list[tuple[int, str, int]]
) -> None:
    data = bytearray(written(table, dialect))
    for position, edit, byte in edits:
        at = position % max(len(data), 1)
        if edit == "insert":
            data.insert(at, byte)
        elif data:
            data[at : at + 1] = b"" if edit == "delete" else bytes([byte])
    path = put(tmp_path, "a.csv", bytes(data))
    delimiter = str(dialect["delimiter"])
    records = expected(bytes(data), delimiter)
    try:
        frame = scan_csv("orders", Csv(str(path), separator=delimiter), [str(path)], {})
        names = frame.collect_schema().names()
        rows = as_rows(found(path, delimiter).collect())
    except PolarpodError as error:
        verdict = error.verdict
    else:
        assert records is not None, "refused by the standard library"
        assert [names, *rows] == records
        return
    assert verdict.category in ("input_unreadable", "input_mismatch", "input_empty")
    assert str(path) in verdict.text()


@pytest.mark.parametrize("fields", [pytest.param(256, id="counted-in-one-pattern"), pytest.param(257, id="counted-apart")])
def test_wide_records_are_held_to_their_number_of_fields(tmp_path: Path, fields: int) -> None:
    names = [f"c,{number}" for number in range(fields)]
    whole = ['x"y,', *["1"] * (fields - 1)]
    path = put(tmp_path, "a.csv", written([names, whole, whole], {}))
    assert as_rows(found(path, ",").collect()) == [whole, whole]
    for broken in (whole[:-1], [*whole, "1"]):
        put(tmp_path, "a.csv", written([names, whole, broken], {}))
        with pytest.raises(PolarpodError, match=f"{len(broken)} instead of {fields}"):
            found(path, ",")
