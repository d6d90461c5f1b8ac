"""Delta inputs are what their log says: its files, wherever they are, and its partition values, however folders are named.

Folder names of other engines: https://github.com/delta-io/delta-rs/issues/1218, /2423 and
https://github.com/pola-rs/polars/issues/17822 are of this kind.
"""

from __future__ import annotations

import datetime as dt
import struct
import tempfile
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.delta_tables import ARRAY, MAP, PROTOCOL, STRUCT, add, metadata, write_log
from tests.support.in_process import InProcess

from polarpod.contract.context import Storage
from polarpod.runtime.sources.delta.scan_table import folders_say, scan_table
from polarpod.store.delta_log import open_table
from polarpod.store.delta_path import deltalake_can_name, meaning


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def one_row(shop: InProcess, path: str, number: int) -> str:
    return shop.put(path, pl.DataFrame({"id": [number]}))


@pytest.mark.parametrize(
    ("folder", "spelled"),
    [
        pytest.param("day=a b", "day=a%20b", id="a space"),
        pytest.param("day=Zürich", "day=Zürich", id="a letter as it is, as Spark has it"),
        pytest.param("day=Zürich", "day=Z%C3%BCrich", id="a letter encoded"),
        pytest.param("day=a%2Fb", "day=a%252Fb", id="a folder with a percent sign"),
        pytest.param("aB", "aB", id="a random prefix"),
        pytest.param("day=other", "day=other", id="a folder that says another value"),
        pytest.param("day=x/day=y", "day=x/day=y", id="a column named twice"),
        pytest.param("x=1/day=z", "x=1/day=z", id="a folder that is no partition"),
    ],
)
def test_partition_values_are_the_logs_own(shop: InProcess, folder: str, spelled: str) -> None:
    values = ["a/b", "é=%20", None]
    adds = []
    for number, value in enumerate(values):
        place = one_row(shop, f"t/{folder}/p{number}.parquet", number)
        adds.append(add(f"{spelled}/p{number}.parquet", place, {"day": value}))
    write_log(shop.at("t"), PROTOCOL, metadata({"id": "long", "day": "string"}, ["day"]), *adds)
    assert shop.read(shop.delta("t")).sort("id").rows() == list(enumerate(values))
    assert shop.read(shop.delta("t", where={"day": "é=%20"})).rows() == [(1, "é=%20")]


TYPES = [
    pytest.param("long", "007", 7, id="a padded number"),
    pytest.param("integer", "-5", -5, id="integer"),
    pytest.param("date", "2024-02-29", dt.date(2024, 2, 29), id="date"),
    pytest.param("boolean", "true", True, id="boolean"),
    pytest.param("double", "1e3", 1000.0, id="double"),
    pytest.param("decimal(5,2)", "1.10", Decimal("1.10"), id="decimal"),
    pytest.param("timestamp", "2024-02-29 12:00:00", dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), id="moment"),
    pytest.param("timestamp", "2024-02-29T12:00:00.5Z", dt.datetime(2024, 2, 29, 12, 0, 0, 500000, dt.UTC), id="iso moment"),
    pytest.param("string", "007", "007", id="text of digits"),
    pytest.param("string", "2024-02-29", "2024-02-29", id="text of a date"),
    pytest.param("string", "", None, id="the empty text, which is null by the protocol"),
    pytest.param("binary", "ab", b"ab", id="binary"),
]


@pytest.mark.parametrize(("kind", "text", "value"), TYPES)
def test_partition_values_have_the_type_of_their_column(shop: InProcess, kind: str, text: str, value: Any) -> None:
    place = one_row(shop, f"t/k={quote(text, safe='')}/p.parquet", 1)
    write_log(
        shop.at("t"),
        PROTOCOL,
        metadata({"k": kind, "id": "long"}, ["k"]),
        add(f"k={quote(quote(text, safe=''), safe='=')}/p.parquet", place, {"k": text}),
    )
    assert shop.read(shop.delta("t")).rows() == [(value, 1)]


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(name, id=f"root {name}")
        for name in (
            "My Project",
            "Zürich",
            "a#b",
            "50%",
            'a"b',
            "a'b",
            "a<b",
            "env=prod",
            "k=x",
            "id=7",
        )
    ],
)
def test_a_table_is_read_and_replaced_wherever_its_folder_is(tmp_path: Path, folder: str) -> None:
    shop = InProcess(tmp_path / folder)
    frame = pl.DataFrame({"id": [1, 2], "k": ["a b", "ü"]})
    for partitioned in ({}, {"partition_by": ["k"]}):
        output = shop.delta(f"t{len(partitioned)}", replace={}, **partitioned)
        assert shop.publish(frame, output).verdict.succeeded
        outcome = shop.run(
            lambda t: t.reverse(), shop.delta("out", replace={}), force=True, t=shop.delta(f"t{len(partitioned)}")
        )
        assert outcome.verdict.succeeded, outcome.verdict.text()
        assert shop.read(shop.delta("out")).sort("id").rows() == frame.rows()
        assert shop.publish(frame.head(1), output, force=True).verdict.succeeded
        assert shop.read(shop.delta(f"t{len(partitioned)}")).rows() == frame.head(1).rows()


@pytest.mark.parametrize("folder", [pytest.param("a%20b", id="percent escape"), pytest.param("a\\b", id="backslash")])
def test_a_place_that_deltalake_mistakes_for_another_is_refused_before_anything_is_written(
    tmp_path: Path, folder: str
) -> None:
    shop = InProcess(tmp_path / folder)
    for outcome in (
        shop.publish(pl.DataFrame({"id": [1]}), shop.delta("t", replace={})),
        shop.run(lambda t: t, shop.parquet("out", replace={}), t=shop.delta("t")),
    ):
        assert outcome.verdict.category == "request_invalid", outcome.verdict.text()
        assert "a backslash or a percent escape" in outcome.verdict.text()
    assert not list(tmp_path.rglob("*.json"))


def test_older_files_of_an_altered_table_have_nulls_and_wider_numbers(shop: InProcess) -> None:
    write_deltalake(shop.at("t"), pl.DataFrame({"id": [1]}))
    write_deltalake(shop.at("t"), pl.DataFrame({"id": [2], "new": ["x"]}), mode="append", schema_mode="merge")
    assert shop.read(shop.delta("t")).sort("id").rows() == [(1, None), (2, "x")]


def test_moments_that_spark_wrote_as_int96_are_exact(shop: InProcess) -> None:
    moments = [dt.datetime(1500, 1, 1, tzinfo=dt.UTC), dt.datetime(3000, 1, 1, 0, 0, 0, 123456, dt.UTC)]
    place = shop.put("t/f.parquet", pl.DataFrame({"at": moments}))
    pq.write_table(pl.DataFrame({"at": moments}).to_arrow(), place, use_deprecated_int96_timestamps=True, store_schema=False)
    write_log(shop.at("t"), PROTOCOL, metadata({"at": "timestamp"}, []), add("f.parquet", place, {}))
    assert shop.read(shop.delta("t"))["at"].to_list() == moments


NANO = pa.timestamp("ns", "UTC")
FINE, WHOLE = 1717203723123456789, 1717203723123456000
NESTED: dict[str, tuple[pa.DataType, Any, Any]] = {
    "plain": (NANO, "timestamp", lambda at: at),
    "in a list": (pa.list_(NANO), ARRAY("timestamp"), lambda at: [None, at]),
    "in a struct": (
        pa.struct([("n", pa.int64()), ("at", NANO)]), STRUCT(n="long", at="timestamp", more="string"), lambda at: {"at": at}
    ),
    "in a list of structs": (pa.list_(pa.struct([("at", NANO)])), ARRAY(STRUCT(at="timestamp")), lambda at: [{"at": at}]),
    "a map's value": (pa.map_(pa.string(), NANO), MAP("string", "timestamp"), lambda at: [("k", at)]),
}  # fmt: skip
CASES = [pytest.param(*case, id=name) for name, case in NESTED.items()]


def put_moments(shop: InProcess, path: str, values: list[Any], kind: pa.DataType, **how: Any) -> str:
    place = shop.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": range(len(values)), "at": pa.array(values, kind)}), place, **how)
    return str(place)


def cut_off(shop: InProcess, file: str, **options: Any) -> None:
    outcome = shop.run(lambda rows: rows, shop.parquet("out", replace={}), rows=shop.delta("t", **options))
    assert outcome.verdict.category == "input_mismatch", outcome.verdict.text()
    said = outcome.verdict.text()
    assert "column 'at' of input 'rows' holds moments with digits below the microsecond" in said
    assert f"{file}: at = 2024-06-01T01:02:03.123456789" in said or f"{file}: at = 2024-06-01 01:02:03.123456789" in said
    assert "polarpod:" not in said
    assert not shop.committed("out")


@pytest.mark.parametrize(("kind", "told", "nested"), CASES)
@pytest.mark.parametrize("arrow", [pytest.param(True, id="Arrow's"), pytest.param(False, id="plain")])
def test_moments_in_nanoseconds_are_exact_or_refused_with_their_file(
    shop: InProcess, kind: pa.DataType, told: Any, nested: Any, arrow: bool
) -> None:
    whole = put_moments(shop, "t/a.parquet", [nested(WHOLE), None], kind, store_schema=arrow)
    fields = metadata({"id": "long", "at": told}, [])
    write_log(shop.at("t"), PROTOCOL, fields, add("a.parquet", whole, {}))
    read = shop.read(shop.delta("t"))
    assert "2024, 6, 1, 1, 2, 3, 123456, " in repr(read.sort("id")["at"].to_list()[0])
    assert "ns" not in str(read.schema["at"])
    fine = put_moments(shop, "t/b.parquet", [nested(WHOLE), nested(FINE)], kind, store_schema=arrow)
    write_log(shop.at("t"), add("b.parquet", fine, {}), version=1)
    cut_off(shop, fine)
    assert shop.read(shop.delta("t", version=0)).equals(read)


def test_a_map_whose_keys_are_nanoseconds_is_refused_whole(shop: InProcess) -> None:
    place = put_moments(shop, "t/a.parquet", [[(WHOLE, "v")]], pa.map_(NANO, pa.string()))
    told = ARRAY(MAP("timestamp", "string"))
    nested = put_moments(shop, "u/a.parquet", [[[(WHOLE, "v")]]], pa.list_(pa.map_(NANO, pa.string())))
    for table, file, kind in (("t", place, told["elementType"]), ("u", nested, told)):
        write_log(shop.at(table), PROTOCOL, metadata({"id": "long", "at": kind}, []), add("a.parquet", file, {}))
        outcome = shop.run(lambda rows: rows, shop.parquet("out", replace={}), rows=shop.delta(table))
        assert outcome.verdict.category == "input_mismatch", outcome.verdict.text()
        assert "column 'at' of input 'rows' is a map whose keys are moments in nanoseconds" in outcome.verdict.text()
        assert file in outcome.verdict.text()


def test_a_job_that_does_not_read_the_fine_column_is_not_concerned(shop: InProcess) -> None:
    fine = put_moments(shop, "t/a.parquet", [FINE], NANO)
    write_log(shop.at("t"), PROTOCOL, metadata({"id": "long", "at": "timestamp"}, []), add("a.parquet", fine, {}))
    outcome = shop.run(lambda rows: rows.select("id"), shop.parquet("out", replace={}), rows=shop.delta("t"))
    assert outcome.verdict.succeeded, outcome.verdict.text()


@pytest.mark.parametrize("folder", [pytest.param("k=x/", id="folders that say it"), pytest.param("other/", id="others")])
def test_moments_in_nanoseconds_keep_their_partitions(shop: InProcess, folder: str) -> None:
    fields = metadata({"id": "long", "at": "timestamp", "k": "string"}, ["k"])
    whole = put_moments(shop, f"t/{folder}a.parquet", [WHOLE], NANO)
    plain = put_moments(shop, f"t/{folder}b.parquet", [1], pa.timestamp("us", "UTC"))
    log = [add(f"{folder}{place[-9:]}", place, {"k": "x"}) for place in (whole, plain)]
    write_log(shop.at("t"), PROTOCOL, fields, *log)
    read = shop.read(shop.delta("t"))
    assert sorted(read["at"].to_physical().to_list()) == [1, WHOLE // 1000]
    assert read["k"].to_list() == ["x", "x"]


@pytest.mark.parametrize(
    ("metadata_of_file", "refused"),
    [
        pytest.param({}, True, id="Impala and others"),
        pytest.param({"org.apache.spark.version": "3.5.1"}, False, id="Spark, which has no nanoseconds"),
    ],
)
def test_int96_is_read_once_more_unless_spark_wrote_it(
    shop: InProcess, metadata_of_file: dict[str, str], refused: bool
) -> None:
    place = shop.root / "t/a.parquet"
    place.parent.mkdir(parents=True)
    table = pa.table({"id": [1], "at": pa.array([FINE], NANO)})
    with pq.ParquetWriter(place, table.schema, use_deprecated_int96_timestamps=True, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(metadata_of_file)
    write_log(shop.at("t"), PROTOCOL, metadata({"id": "long", "at": "timestamp"}, []), add("a.parquet", place, {}))
    if refused:
        cut_off(shop, str(place))
    else:
        assert shop.read(shop.delta("t"))["at"].to_physical().to_list() == [FINE // 1000]


def test_a_partition_column_that_files_hold_too_is_the_logs(shop: InProcess) -> None:
    place = shop.put("t/k=a/p.parquet", pl.DataFrame({"k": ["stale"], "id": [1]}))
    write_log(
        shop.at("t"), PROTOCOL, metadata({"k": "string", "id": "long"}, ["k"]), add("k=a/p.parquet", place, {"k": "a"})
    )
    assert shop.read(shop.delta("t")).rows() == [("a", 1)]


@pytest.mark.parametrize(
    "scheme", [pytest.param("file://", id="URI"), pytest.param("file:", id="short URI"), pytest.param("", id="path")]
)
def test_a_shallow_clone_reads_the_files_of_its_source(shop: InProcess, scheme: str) -> None:
    place = one_row(shop, "source/a b/p.parquet", 1)
    write_log(
        shop.at("t"),
        PROTOCOL,
        metadata({"id": "long", "k": "string"}, ["k"]),
        add(f"{scheme}{place.replace(' ', '%20')}", place, {"k": "x"}),
    )
    assert shop.read(shop.delta("t")).rows() == [(1, "x")]


def test_a_clone_of_another_store_is_refused_by_name(shop: InProcess) -> None:
    place = one_row(shop, "p.parquet", 1)
    write_log(shop.at("t"), PROTOCOL, metadata({"id": "long"}, []), add("s3://there/p.parquet", place, {}))
    outcome = shop.run(lambda t: t, shop.delta("out", replace={}), t=shop.delta("t"))
    assert outcome.verdict.category == "input_unreadable"
    assert "s3://there/p.parquet" in outcome.verdict.text()


def test_a_filter_on_a_partition_opens_no_other_file(shop: InProcess) -> None:
    frame = pl.DataFrame({"id": [1, 2], "day": ["a", "b"]})
    assert shop.publish(frame, shop.delta("t", replace={}, partition_by=["day"])).verdict.succeeded
    for place in Path(shop.at("t"), "day=b").glob("*.parquet"):
        place.write_bytes(b"not Parquet")
    outcome = shop.run(lambda t: t.filter(pl.col("day") == "a"), shop.delta("out", replace={}), t=shop.delta("t"))
    assert outcome.verdict.succeeded, outcome.verdict.text()
    assert shop.read(shop.delta("out"))["id"].to_list() == [1]


def vector(*deleted: int) -> str:
    """An inline deletion vector: a portable Roaring bitmap array in Z85, as the protocol has it."""
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    array = struct.pack("<IIHHI", 12346, 1, 0, len(deleted) - 1, 16) + b"".join(struct.pack("<H", row) for row in deleted)
    data = struct.pack("<IQI", 1681511377, 1, 0) + array
    data += b"\0" * (-len(data) % 4)
    text = ""
    for start in range(0, len(data), 4):
        number = int.from_bytes(data[start : start + 4])
        text += "".join(alphabet[number // 85**place % 85] for place in range(4, -1, -1))
    return text


@pytest.mark.parametrize("folder", [pytest.param("plain", id="plain"), pytest.param("My Project", id="a space above")])
def test_rows_that_a_deletion_vector_takes_out_are_not_read(tmp_path: Path, folder: str) -> None:
    shop = InProcess(tmp_path / folder)
    first = shop.put("t/a b.parquet", pl.DataFrame({"id": [0, 1, 2, 3]}))
    second = shop.put("t/c.parquet", pl.DataFrame({"id": [4]}))
    lossy = add("a%20b.parquet", first, {})
    data = vector(1, 3)
    lossy["add"]["stats"] = '{"numRecords": 4}'
    lossy["add"]["deletionVector"] = {"storageType": "i", "pathOrInlineDv": data, "sizeInBytes": 36, "cardinality": 2}
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    protocol = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7} | features}
    write_log(shop.at("t"), protocol, metadata({"id": "long"}, []), lossy, add("c.parquet", second, {}))
    assert sorted(shop.read(shop.delta("t"))["id"].to_list()) == [0, 2, 4]


TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(value=TEXTS, encode=st.booleans(), hive=st.booleans())
def test_any_text_comes_back_however_the_log_spells_its_folder(value: str, encode: bool, hive: bool) -> None:
    with tempfile.TemporaryDirectory() as root:
        shop = InProcess(Path(root))
        folder = f"k={quote(value, safe='')}" if hive else uuid.uuid4().hex[:3]
        place = one_row(shop, f"t/{folder}/p.parquet", 1)
        spelled = quote(folder, safe="=") if encode else folder.replace("%", "%25")
        write_log(
            shop.at("t"),
            PROTOCOL,
            metadata({"id": "long", "k": "string"}, ["k"]),
            add(f"{spelled}/p.parquet", place, {"k": value}),
        )
        table = open_table(shop.at("t"), Storage())
        assert table is not None
        assert scan_table("rows", table, shop.at("t"), Storage(), {}).collect().rows() == [(1, value)]


@given(st.text(max_size=12))
def test_a_path_that_deltalake_can_name_has_one_spelling_only(text: str) -> None:
    assert deltalake_can_name(quote(text, safe="!$&'()+,-./:;=@_~"))
    if deltalake_can_name(text):
        assert text == quote(meaning(text), safe="!$&'()+,-./:;=@_~")


@given(TEXTS, st.sampled_from([pl.String(), pl.Int64(), pl.Datetime("us", "UTC"), pl.Float64()]))
def test_folders_are_believed_only_where_they_say_what_the_log_says(text: str, dtype: pl.DataType) -> None:
    schema = pl.Schema({"k": dtype})
    said = folders_say(f"k={quote(text, safe='')}/f", {"k": text}, schema)
    assert not said or dtype in (pl.String(), pl.Int64())
    assert not folders_say(f"k={quote(text, safe='')}/f", {"k": text + "x"}, schema)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("k=x/f", True, id="its value"),
        pytest.param("k=y/k=x/f", False, id="two values"),
        pytest.param("k=x/more/f", False, id="a folder that is no partition"),
        pytest.param("f", False, id="no value"),
        pytest.param("k=%78/f", True, id="escaped"),
    ],
)
def test_which_folders_say_what_the_log_says(path: str, said: bool) -> None:
    assert folders_say(path, {"k": "x"}, pl.Schema({"k": pl.String()})) is said
