"""What a folder input reads of all that lies in it, and what is said of the rest, the same in every store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.fixtures.object_store import Lake

from polarpod.contract.dataset import Csv, Dataset, NdJson, Parquet
from polarpod.contract.receipt import LeftOut
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Folder
from polarpod.store.listing import Listing, list_input
from polarpod.store.location import join

HIDDEN = "hidden: the name begins with _ or ."
OTHER = "other names than the format's files have"


def listed(lake: Lake, kind: type[Dataset], keys: list[str], pattern: str = "") -> tuple[list[str], Listing]:
    """What an input of this kind reads of these keys, relative to its folder."""
    folder = Folder(join(lake.uri, "in"), lake.storage)
    for key in keys:
        folder.write(key, b"1234")
    found = list_input("orders", kind(join(folder.uri, pattern) if pattern else folder.uri), lake.storage)
    return [file.removeprefix(f"{folder.uri}/") for file in found.files], found


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        pytest.param(Csv, ["C.CSV", "a.csv", "b.csv.gz", "d.csv.zst", "e.Csv.GZ"], id="CSV"),
        pytest.param(NdJson, ["a.ndjson", "b.jsonl", "c.NDJSON", "d.jsonl.gz", "e.ndjson.zst"], id="NDJSON"),
        pytest.param(Parquet, ["a.parquet", "b.PARQUET", "c.parq", "d.pq", "e.snappy.parquet"], id="Parquet"),
    ],
)
def test_a_folder_is_read_whatever_case_or_compression_its_names_say(
    reachable: Lake, kind: type[Dataset], keys: list[str]
) -> None:
    read, found = listed(reachable, kind, keys)
    assert read == sorted(keys)
    assert found.left_out == ()


def test_a_folder_says_what_it_leaves_out_with_counts_and_first_names(reachable: Lake) -> None:
    others = [f"more/{number}.txt" for number in range(9)]
    read, found = listed(reachable, Csv, ["a.csv", "_SUCCESS", ".a.csv.crc", "_tmp/b.csv", *others])
    assert read == ["a.csv"]
    assert found.left_out == (
        LeftOut(reason=HIDDEN, files=3, first=[".a.csv.crc", "_SUCCESS", "_tmp/b.csv"]),
        LeftOut(reason=OTHER, files=9, first=others[:3]),
    )
    assert found.left_out[0].text() == f"left out: 3 files ({HIDDEN}): .a.csv.crc, _SUCCESS, _tmp/b.csv"
    assert found.left_out[1].text().endswith("more/0.txt, more/1.txt, more/2.txt, ...")


def test_what_a_glob_matches_and_does_not_read_is_said_and_nothing_else(reachable: Lake) -> None:
    read, found = listed(reachable, Csv, ["a.csv", "b.txt", "_c.csv", "d.json"], "*.csv")
    assert read == ["a.csv"]
    assert found.left_out == (LeftOut(reason=HIDDEN, files=1, first=["_c.csv"]),)


def test_the_name_of_a_left_out_file_is_cut_and_shown_as_what_it_is(reachable: Lake) -> None:
    _, found = listed(reachable, Csv, ["a.csv", "x" * 240, " b"])
    assert found.left_out[0].first == [" b", "x" * 200]
    assert found.left_out[0].text().endswith(f"): ' b', {'x' * 200}")


@pytest.mark.parametrize(
    "pattern",
    [pytest.param("", id="a folder"), pytest.param("**/*.parquet", id="any depth"), pytest.param("k=*/*/*", id="a glob")],
)
def test_a_partition_whose_column_begins_with_an_underscore_is_data(reachable: Lake, pattern: str) -> None:
    keys = [
        "k=a/_sub=1/x.parquet",
        "k=b/_temporary/x.parquet",
        "k=b/_y=1/_x.parquet",
        "k=c/.z=1/x.parquet",
        "k=d/e=1/_w=1.parquet",
    ]
    read, found = listed(reachable, Parquet, keys, pattern)
    assert read == ["k=a/_sub=1/x.parquet"]
    assert found.left_out == (LeftOut(reason=HIDDEN, files=4, first=keys[1:4]),)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        pytest.param(NdJson, "a.json", id="NDJSON called JSON"),
        pytest.param(Parquet, "part-00000", id="no extension"),
        pytest.param(Parquet, "a.parquet.gz", id="Parquet that somebody compressed"),
        pytest.param(Csv, "a.tsv", id="another extension"),
        pytest.param(Csv, "acsv", id="an extension without its dot"),
    ],
)
def test_a_folder_of_other_names_only_is_missing_with_what_is_there(reachable: Lake, kind: type[Dataset], key: str) -> None:
    with pytest.raises(PolarpodError, match="input 'orders' is not there") as caught:
        listed(reachable, kind, [key])
    assert caught.value.verdict.category is Category.INPUT_MISSING
    uri = join(reachable.uri, "in")
    assert caught.value.verdict.evidence == [f"looked for {uri}", f"left out: 1 file ({OTHER}): {key}"]
    assert "read where a glob asks for them" in caught.value.verdict.remedy
    read, _ = listed(reachable, kind, [], "*")
    assert read == [key]


def test_a_delta_table_is_not_read_as_plain_parquet(reachable: Lake) -> None:
    keys = ["a.parquet", "_delta_log/00000000000000000000.json"]
    with pytest.raises(PolarpodError, match="input 'orders' is a Delta table, declared as Parquet") as caught:
        listed(reachable, Parquet, keys)
    assert caught.value.verdict.category is Category.INPUT_MISMATCH
    assert "Declare it as Delta(...)" in caught.value.verdict.remedy
    assert listed(reachable, Parquet, [], "*.parquet")[0] == ["a.parquet"]


ODD = [
    "a*", "ab", "step[1]", "step1", "q?", "qx", "a", "%41", "A", "x%2Fy", "h#1", "sp ace", "\u00e9", "e\u0301", "b\\s",
    "it's", 'qu"ote', "k=v", "plus+", "$x", "~t", "**", "a&b;c:d@e", "<^`|>",
]  # fmt: skip


def test_a_folder_that_is_only_called_like_a_delta_log_makes_no_table(reachable: Lake) -> None:
    assert listed(reachable, Parquet, ["a.parquet", "_delta_log/notes.txt"])[0] == ["a.parquet"]


def test_names_that_look_like_globs_escapes_or_each_other_are_listed_as_they_are(reachable: Lake) -> None:
    read, _ = listed(reachable, Parquet, [f"{name}.parquet" for name in ODD])
    assert sorted(read) == sorted(f"{name}.parquet" for name in ODD)


def test_links_are_followed_and_one_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/b.csv").write_bytes(b"id\n")
    place = tmp_path / "in"
    place.mkdir()
    (place / "a.csv").symlink_to(tmp_path / "elsewhere/b.csv")
    (place / "more").symlink_to(tmp_path / "elsewhere")
    (place / "_c.csv").symlink_to(tmp_path / "nowhere")
    (place / "d.txt").symlink_to(tmp_path / "nowhere")
    assert list_input("orders", Csv(str(place)), Lake("", "", None, {}).storage).files == (
        f"{place}/a.csv",
        f"{place}/more/b.csv",
    )
    (place / "more/e.csv").symlink_to(tmp_path / "nowhere")
    for asked in (place, place / "**/*.csv"):
        with pytest.raises(PolarpodError, match="input 'orders' has links to files that are not there") as caught:
            list_input("orders", Csv(str(asked)), None)
        assert caught.value.verdict.category is Category.INPUT_MISSING
        assert caught.value.verdict.evidence == [f"{place}/more/e.csv"]


def test_a_link_to_a_folder_above_itself_is_named_and_not_retried(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(PolarpodError, match="has a link to a folder above itself") as caught:
        Folder(str(tmp_path)).list()
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert str(tmp_path / "loop") in caught.value.verdict.evidence[0]


@pytest.mark.parametrize(
    "name",
    [pytest.param(b"tab\tx", id="tab"), pytest.param(b"line\nx", id="line break"), pytest.param(b"\xff", id="no UTF-8")],
)
def test_a_local_name_that_cannot_be_read_is_named_and_not_retried(tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    with pytest.raises(PolarpodError, match="is a name that no object store client reads") as caught:
        Folder(str(tmp_path)).list()
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert "Rename or delete" in caught.value.verdict.remedy
