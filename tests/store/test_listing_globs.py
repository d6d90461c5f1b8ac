"""Which files an input's URI stands for, the same in every store."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.object_store import Lake

from polarpod.contract.dataset import Csv, Dataset, NdJson
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Folder
from polarpod.store.glob import escape, matches, split_glob
from polarpod.store.listing import list_input
from polarpod.store.location import join

FILES = [
    "ds=2013-02-01/a.csv",
    "ds=2013-02-01/b.csv",
    "ds=2013-02-01/b.txt",
    "ds=2013-02-02/a.csv",
    "ds=2013-02-02/hour=1/deep.csv",
    "ds=2013-03-01/a b.csv",
    "top.csv",
    "top.jsonl",
    "ü.csv",
    ".hidden.csv",
    "_delta_log/0.csv",
    "ds=2013-02-01/_SUCCESS",
    "ds=2013-02-01/.a.csv.crc",
    "ds=2013-02-01/_temporary/a.csv",
]
FEBRUARY = ["ds=2013-02-01/a.csv", "ds=2013-02-01/b.csv", "ds=2013-02-02/a.csv"]
EVERY_CSV = [*FEBRUARY, "ds=2013-02-02/hour=1/deep.csv", "ds=2013-03-01/a b.csv", "top.csv", "ü.csv"]


@pytest.fixture
def raw(reachable: Lake) -> str:
    uri = join(reachable.uri, "raw data")
    for key in FILES:
        Folder(uri, reachable.storage).write(key, b"1234")
    return uri


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("ds=2013-02-01/*.csv", ["ds=2013-02-01/a.csv", "ds=2013-02-01/b.csv"], id="a star"),
        pytest.param("ds=2013-02-*/*.csv", FEBRUARY, id="stars in two folders"),
        pytest.param("ds=*/a.csv", ["ds=2013-02-01/a.csv", "ds=2013-02-02/a.csv"], id="a star does not leave its folder"),
        pytest.param("**/*.csv", EVERY_CSV, id="two stars span any number of folders, even none"),
        pytest.param(
            "ds=2013-02-02/**", ["ds=2013-02-02/a.csv", "ds=2013-02-02/hour=1/deep.csv"], id="two stars at the end"
        ),
        pytest.param("**/hour=1/*", ["ds=2013-02-02/hour=1/deep.csv"], id="two stars at the beginning"),
        pytest.param("ds=2013-0?-01/?.csv", ["ds=2013-02-01/a.csv", "ds=2013-02-01/b.csv"], id="a question mark"),
        pytest.param("ds=2013-02-0[13]/[a-b].csv", ["ds=2013-02-01/a.csv", "ds=2013-02-01/b.csv"], id="a set and a range"),
        pytest.param("ds=2013-02-01/[!a].csv", ["ds=2013-02-01/b.csv"], id="a negated set"),
        pytest.param("ds=2013-03-01/a ?.csv", ["ds=2013-03-01/a b.csv"], id="a blank"),
        pytest.param("[ü].csv", ["ü.csv"], id="an accent"),
        pytest.param("top.csv", ["top.csv"], id="no glob: one file"),
        pytest.param("ds=2013-02-01", ["ds=2013-02-01/a.csv", "ds=2013-02-01/b.csv"], id="no glob: a folder, by extension"),
        pytest.param(
            "ds=2013-02-02/", ["ds=2013-02-02/a.csv", "ds=2013-02-02/hour=1/deep.csv"], id="a folder, to its depth"
        ),
        pytest.param(".*.csv", [".hidden.csv"], id="hidden files where they are asked for"),
        pytest.param("**/.*", [".hidden.csv", "ds=2013-02-01/.a.csv.crc"], id="hidden files in folders that are not"),
        pytest.param("ds=2013-02-01/_temporary/*", ["ds=2013-02-01/_temporary/a.csv"], id="hidden folders likewise"),
    ],
)
def test_a_pattern_stands_for_these_files(reachable: Lake, raw: str, pattern: str, expected: list[str]) -> None:
    found = list_input("orders", Csv(f"{raw}/{pattern}"), reachable.storage)
    assert list(found.files) == sorted(f"{raw}/{key}" for key in expected)
    assert found.bytes == 4 * len(expected)


@pytest.mark.parametrize(
    "dataset",
    [
        pytest.param(lambda raw: Csv(f"{raw}/ds=2014-*/*.csv"), id="a pattern that matches nothing"),
        pytest.param(lambda raw: Csv(f"{raw}/nothing.csv"), id="a file that is not there"),
        pytest.param(lambda raw: Csv(f"{raw}/no/folder/*.csv"), id="a folder that is not there"),
        pytest.param(lambda raw: Csv(f"{raw}/ds=2013-02-01/*.CSV"), id="the wrong case"),
    ],
)
def test_an_input_without_files_is_missing_and_says_what_was_looked_for(reachable: Lake, raw: str, dataset: object) -> None:
    asked: Dataset = dataset(raw)
    with pytest.raises(PolarpodError, match="input 'orders' is not there") as caught:
        list_input("orders", asked, reachable.storage)
    assert caught.value.verdict.category is Category.INPUT_MISSING
    assert caught.value.verdict.evidence == [f"looked for {asked.uri}"]
    assert "the step before this one" in caught.value.verdict.remedy


def test_both_extensions_of_ndjson_count(reachable: Lake, raw: str) -> None:
    Folder(raw, reachable.storage).write("lines.ndjson", b"{}")
    found = list_input("lines", NdJson(raw), reachable.storage)
    assert list(found.files) == [f"{raw}/lines.ndjson", f"{raw}/top.jsonl"]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("/a/b/ds=*/*.csv", ("/a/b", "ds=*/*.csv"), id="local"),
        pytest.param("s3://bucket/*.csv", ("s3://bucket", "*.csv"), id="directly in a bucket"),
        pytest.param("/*.csv", ("/", "*.csv"), id="directly in the root"),
        pytest.param("/a/b.csv", ("/a/b.csv", ""), id="no glob"),
        pytest.param("/a[[]1]/b[*][?].csv", ("/a[1]/b*?.csv", ""), id="names with escaped marks"),
        pytest.param("/a[[]1]/b[[]*.csv", ("/a[1]", "b[[]*.csv"), id="a glob below such a name"),
        pytest.param("/a[ab]/b[[]", ("/", "a[ab]/b[[]"), id="a class of characters"),
    ],
)
def test_a_uri_is_split_before_its_first_glob(uri: str, expected: tuple[str, str]) -> None:
    assert split_glob(uri) == expected


@given(st.text("ab[]*?!-", min_size=1, max_size=8))
def test_an_escaped_name_is_that_name_and_matches_itself_alone(name: str) -> None:
    assert split_glob(f"/{escape(name)}") == (f"/{name}", "")
    assert matches(name, escape(name))
    assert not matches(f"{name}x", escape(name))


PARTS = st.lists(st.text("ab=-.", min_size=1, max_size=4), min_size=1, max_size=5)


@given(parts=PARTS, data=st.data())
def test_replacing_parts_of_a_key_by_stars_still_matches_it(parts: list[str], data: st.DataObject) -> None:
    pattern = [data.draw(st.sampled_from([part, "*", "?" * len(part), "**"])) for part in parts]
    assert matches("/".join(parts), "/".join(pattern))
    assert matches("/".join(parts), "**")
    assert not matches("/".join(parts), "/".join(["*"] * (len(parts) + 1)))


def slow(key: list[str], pattern: list[str], *, hidden: bool) -> bool:
    """Matching by the book: every part is tried, and ** in every length."""
    if not pattern:
        return not key
    if pattern[0] == "**":
        free = len(key) if hidden else next((at for at, part in enumerate(key) if unseen(part)), len(key))
        return any(slow(key[at:], pattern[1:], hidden=hidden) for at in range(free + 1))
    if not key or (unseen(key[0]) and not hidden and pattern[0][0] not in "_."):
        return False
    regex = "".join({"*": ".*", "?": "."}.get(mark, re.escape(mark)) for mark in pattern[0])
    return bool(re.fullmatch(regex, key[0])) and slow(key[1:], pattern[1:], hidden=hidden)


def unseen(part: str) -> bool:
    return part[0] in "_."


NAMES = st.text("ab_.", min_size=1, max_size=3)
WANTED = st.one_of(st.just("**"), st.text("ab_.*?", min_size=1, max_size=3).filter(lambda part: part != "**"))


@given(key=st.lists(NAMES, min_size=1, max_size=4), pattern=st.lists(WANTED, min_size=1, max_size=4), hidden=st.booleans())
def test_a_key_matches_a_glob_exactly_when_the_slow_way_says_so(key: list[str], pattern: list[str], *, hidden: bool) -> None:
    assert matches("/".join(key), "/".join(pattern), hidden=hidden) == slow(key, pattern, hidden=hidden)


def test_many_double_stars_take_no_time() -> None:
    # shared out in every possible way, the folders would take hours
    assert not matches("/".join("a" * 60), "/".join(["**", "a"] * 20 + ["b"]))
