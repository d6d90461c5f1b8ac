"""Columns that folders make: every value as it is written, or a refusal that names the file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.in_process import InProcess

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Parquet
from polarpod.runtime.sources.files import hive
from polarpod.store.glob import escape
from polarpod.store.listing import list_input

moment = dt.datetime.fromisoformat


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def put(shop: InProcess, folders: Iterable[str], **columns: Any) -> None:
    for number, folder in enumerate(folders):
        shop.put(f"in/{folder}/x.parquet", pl.DataFrame({"id": [number], **columns}))


def values(shop: InProcess, column: str = "v", **options: Any) -> list[Any]:
    return shop.read(Parquet(shop.at("in"), **options)).sort("id")[column].to_list()


def refused(shop: InProcess, dataset: Parquet, *words: str) -> None:
    outcome = shop.run(lambda rows: rows, shop.delta("out", replace={}), rows=dataset)
    assert outcome.verdict.category == "input_mismatch", outcome.verdict.text()
    for word in words:
        assert word in outcome.verdict.text()
    assert "polarpod: " not in outcome.verdict.summary
    assert not shop.committed("out")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(["007", "010"], ["007", "010"], id="leading zeros"),
        pytest.param(["7", "10", "-3", "0"], [7, 10, -3, 0], id="whole numbers"),
        pytest.param(["7", "010"], ["7", "010"], id="one of many with a leading zero"),
        pytest.param(["-0"], ["-0"], id="minus zero"),
        pytest.param(["+1"], ["+1"], id="a plus"),
        pytest.param(["1e3"], ["1e3"], id="an exponent"),
        pytest.param(["1.1", "1.10"], ["1.1", "1.10"], id="a trailing zero"),
        pytest.param(["0.5", "1.0"], [0.5, 1.0], id="fractions"),
        pytest.param(["0.1000000000000000055"], ["0.1000000000000000055"], id="more digits than a float has"),
        pytest.param(["1", "0.5"], ["1", "0.5"], id="a whole number among fractions"),
        pytest.param(["NaN", "inf"], ["NaN", "inf"], id="words for no number"),
        pytest.param([str(2**63 - 1)], [2**63 - 1], id="the largest whole number"),
        pytest.param([str(2**63)], [str(2**63)], id="a larger one"),
        pytest.param(["true", "false"], [True, False], id="truth"),
        pytest.param(["True", "false"], ["True", "false"], id="truth in two spellings"),
        pytest.param(["2024-02-29"], [dt.date(2024, 2, 29)], id="a day"),
        pytest.param(["2023-02-29"], ["2023-02-29"], id="a day that never was"),
        pytest.param(["2024-2-9"], ["2024-2-9"], id="a short day"),
        pytest.param(["2024-02-29", "none"], ["2024-02-29", "none"], id="a day and a word"),
        pytest.param(["20240229"], [20240229], id="a day without hyphens"),
        pytest.param(["12:00:00"], ["12:00:00"], id="a time of day"),
        pytest.param(["2024-02-29 01:02:03"], [moment("2024-02-29T01:02:03")], id="a moment"),
        pytest.param(["2024-02-29T01:02:03Z"], ["2024-02-29T01:02:03Z"], id="a moment in another spelling"),
        pytest.param(
            ["2024-02-29 01:02:03", "2024-02-29 01:02:03.000000"], ["2024-02-29 01:02:03", "2024-02-29 01:02:03.000000"],
            id="one moment twice",
        ),
        pytest.param(["a", "__HIVE_DEFAULT_PARTITION__"], ["a", None], id="null"),
        pytest.param(["7", "__HIVE_DEFAULT_PARTITION__"], [7, None], id="a number and null"),
        pytest.param(["__HIVE_DEFAULT_PARTITION__"], [None], id="only null"),
        pytest.param(["", "a"], ["", "a"], id="nothing is a text"),
        pytest.param(["", "7"], ["", "7"], id="nothing and a number"),
        pytest.param(["null", "None"], ["null", "None"], id="words for null"),
        pytest.param(["a%20b", "%2F", "Z%C3%BCrich", "a+b"], ["a b", "/", "Zürich", "a+b"], id="percent signs"),
        pytest.param(["100%", "1%2"], ["100%", "1%2"], id="percent signs that escape nothing"),
        pytest.param(["a=b", "c"], ["a=b", "c"], id="an equals sign"),
        pytest.param([" 1", "1_000"], [" 1", "1_000"], id="blanks and underscores"),
    ],
)  # fmt: skip
def test_a_folder_s_value_is_a_text_unless_every_one_reads_back_as_it_is_written(
    shop: InProcess, texts: list[str], expected: list[object]
) -> None:
    put(shop, [f"v={text}" for text in texts])
    assert values(shop) == expected


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(
        st.one_of(
            st.from_regex(r"[-+]?0{0,2}[0-9]{1,20}(\.[0-9]{0,3})?(e[0-9])?", fullmatch=True),
            st.from_regex(r"20[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}( 0[0-9]:00:00(\.[0-9]{1,6})?)?", fullmatch=True),
            st.sampled_from(["true", "false", "TRUE", "nan", "inf", "null", "", " "]),
            st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6).filter(lambda text: text not in (".", "..")),
        ),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_texts_that_differ_stay_different_and_are_what_polars_reads(texts: list[str], tmp_path_factory: Any) -> None:
    shop = InProcess(tmp_path_factory.mktemp("folders"))
    put(shop, [f"v={quote(text, safe=' ')}" for text in texts])
    read = values(shop)
    dtype = hive.type_of(texts)
    assert read == pl.Series(texts).cast(dtype).to_list() if dtype != pl.Boolean() else [text == "true" for text in texts]
    assert len({repr(value) for value in read}) == len(texts)
    if dtype == pl.String():
        assert read == texts


@pytest.mark.parametrize(
    ("dtype", "texts", "expected"),
    [
        pytest.param("String", ["7", "2024-01-01"], ["7", "2024-01-01"], id="text"),
        pytest.param("Int32", ["007", "+8"], [7, 8], id="whole numbers"),
        pytest.param("Decimal(10,2)", ["1.5", "1.50", "-3"], [*map(Decimal, ("1.5", "1.5", "-3"))], id="decimals"),
        pytest.param("Float64", ["1", "1e3"], [1.0, 1000.0], id="floats"),
        pytest.param("Boolean", ["True", "false"], [True, False], id="truth"),
        pytest.param("Datetime[us]", ["2024-02-29T01:02", "2024-02-29"],
                     [moment("2024-02-29T01:02:00"), moment("2024-02-29")], id="moments"),
        pytest.param("Datetime[us, UTC]", ["2024-02-29T01:00:00+01:00"], [moment("2024-02-29T00:00Z")], id="instants"),
    ],
)  # fmt: skip
def test_a_declared_type_rules_over_what_a_folder_looks_like(
    shop: InProcess, dtype: str, texts: list[str], expected: list[object]
) -> None:
    put(shop, [f"v={text}" for text in texts])
    assert values(shop, schema={"id": "Int64", "v": dtype}) == expected


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        pytest.param("Int64", "abc", id="a word for a number"),
        pytest.param("Int64", "1.5", id="a fraction for a number"),
        pytest.param("Int64", "", id="nothing for a number"),
        pytest.param("Int8", "300", id="too large a number"),
        pytest.param("Decimal(10,2)", "1.505", id="more digits than a decimal has"),
        pytest.param("Date", "2024-02-30", id="a day that never was"),
        pytest.param("Date", "2024-02-01 00:00:00", id="a moment for a day"),
        pytest.param("Datetime[us]", "2024-02-01T00:00:00Z", id="a zone that the column lacks"),
        pytest.param("Datetime[us]", "2024-02-01 00:00:00.123456789", id="more digits than microseconds have"),
        pytest.param("Boolean", "1", id="a number for truth"),
    ],
)
def test_a_folder_that_is_no_value_of_its_declared_type_is_refused_by_name(shop: InProcess, dtype: str, text: str) -> None:
    put(shop, [f"v={text}"])
    dataset = Parquet(shop.at("in"), schema={"id": "Int64", "v": dtype})
    refused(shop, dataset, f"says v = {text!r}, which is not {dtype.replace(',', ', ')}", f"in/v={text}/x.parquet")


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        pytest.param(["a=1/b=2", "a=1"], ["no folder for column 'b'", "in/a=1/x.parquet"], id="fewer"),
        pytest.param(["a=1", ""], ["no folder for column 'a'", "in/x.parquet"], id="none"),
        pytest.param(["a=1", "A=1"], ["no folder for column", "x.parquet"], id="another case"),
        pytest.param(["a=1/a=2"], ["two folders for column 'a'", "in/a=1/a=2/x.parquet"], id="twice"),
    ],
)
def test_files_whose_folders_disagree_are_refused_by_name(shop: InProcess, folders: list[str], words: list[str]) -> None:
    put(shop, [folder or "." for folder in folders])
    refused(shop, Parquet(shop.at("in")), "the folders of input 'rows' disagree", *words, "hive=False")
    assert values(shop, "id", hive=False) == sorted(range(len(folders)))


def test_folders_may_come_in_another_order_and_have_escaped_names(shop: InProcess) -> None:
    put(shop, ["a=1/k%20x=u", "k%20x=v/a=2"])
    assert values(shop, "a") == [1, 2]
    assert values(shop, "k x") == ["u", "v"]


def test_a_column_that_is_stored_and_in_the_folder_is_read_as_stored_where_both_agree(shop: InProcess) -> None:
    for number, text in enumerate(["007", "010"]):
        shop.put(f"in/v={text}/x.parquet", pl.DataFrame({"id": [number], "v": [text]}))
    assert values(shop) == ["007", "010"]
    shop.put("in/v=010/x.parquet", pl.DataFrame({"id": [1], "v": ["10"]}))
    words = (
        "column 'v' of input 'rows' holds another value than its folder's name says",
        "in/v=010/x.parquet",
        "hive=False",
    )
    refused(shop, Parquet(shop.at("in")), *words)
    refused(shop, Parquet(shop.at("in"), schema={"id": "Int64", "v": "String"}), *words)
    assert values(shop, hive=False) == ["007", "10"]


def test_a_stored_column_is_not_the_lake_s_own_folder_of_that_name(tmp_path: Path) -> None:
    shop = InProcess(tmp_path / "env=prod" / "v=9")
    put(shop, ["v=1", "v=2"], env="test")
    frame = shop.read(Parquet(shop.at("in"))).sort("id")
    assert frame.select("env", "v").rows() == [("test", 1), ("test", 2)]


def test_the_lake_s_own_folder_of_a_column_s_name_is_no_second_value(tmp_path: Path) -> None:
    shop = InProcess(tmp_path / "v=9")
    put(shop, ["v=1", "v=2"])
    assert values(shop) == [1, 2]
    other = InProcess(tmp_path / "env=prod")
    put(other, ["v=1", "v=2"])
    assert other.read(Parquet(other.at("in"))).columns == ["id", "v"]


def test_the_folders_that_an_input_s_uri_names_are_columns_where_they_are_asked_for(shop: InProcess) -> None:
    put(shop, ["a=01/b=2"])
    place = shop.at("in/a=01/b=2/x.parquet")
    assert shop.read(Parquet(place)).columns == ["id"]
    assert shop.read(Parquet(place, hive=True)).rows() == [(0, "01", 2)]
    shop.put("in/k=v.parquet", pl.DataFrame({"id": [1]}))
    assert shop.read(Parquet(shop.at("in/k=v.parquet"), hive=True)).columns == ["id"]


def test_a_filter_on_a_folder_s_column_opens_no_other_folder(shop: InProcess) -> None:
    put(shop, ["day=2024-01-01", "day=2024-01-02"])
    shop.root.joinpath("in/day=2024-01-02/x.parquet").write_bytes(b"no Parquet")
    outcome = shop.run(
        lambda rows: rows.filter(pl.col("day") == dt.date(2024, 1, 1)),
        shop.delta("out", replace={}),
        rows=Parquet(shop.at("in")),
    )
    assert outcome.verdict.succeeded, outcome.verdict.text()
    assert shop.read(shop.delta("out"))["id"].to_list() == [0]


def test_a_published_dataset_below_a_folder_named_like_a_glob_is_read_by_its_escaped_name(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [1, 2], "k": ["a", "b"]})
    plain = InProcess(tmp_path / "plain")
    assert plain.publish(frame, plain.parquet("out", replace={}, partition_by=["k"])).verdict.succeeded
    # an absolute output's name is refused, a relative one may be below any folder
    place = f"{plain.root.rename(tmp_path / 'v[1]*')}/out"
    dataset = Parquet(escape(place))
    assert list_input("rows", dataset, Storage()).uri == place
    assert InProcess(tmp_path / "reader").read(dataset).sort("id").equals(frame)


def test_two_slashes_in_a_local_place_are_one(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "a.parquet")
    for place in (f"{tmp_path}//a.parquet", f"file://{tmp_path}//a.parquet"):
        assert list_input("rows", Parquet(place), Storage()).files == (f"{tmp_path}/a.parquet",)
