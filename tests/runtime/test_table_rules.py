"""The rules a Delta table has for its rows are held by every way to publish, or refused by their name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, Field, Schema, write_deltalake
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType
from tests.runtime.delta_tables import add, rows, write_log
from tests.support.in_process import InProcess

from polarpod.contract.dataset import Delta

LONG, TEXT = PrimitiveType("long"), PrimitiveType("string")
MODES: list[Any] = [
    pytest.param({"append": True}, id="append"),
    pytest.param({"replace": {}}, id="replace"),
    pytest.param({"merge": ["id"]}, id="merge"),
    pytest.param({"replace": "id > 0"}, id="predicate"),
]
WAYS = pytest.mark.parametrize("way", MODES)


@pytest.fixture
def shop(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path)


def table(shop: InProcess, *fields: Field, **properties: str) -> None:
    DeltaTable.create(shop.at("t"), Schema(list(fields)), configuration=properties or None)


def invariant(text: str) -> dict[str, Any]:
    return {"delta.invariants": json.dumps({"expression": {"expression": text}})}


def refused(shop: InProcess, frame: pl.DataFrame, way: dict[str, Any], category: str, *words: str) -> None:
    before = shop.version("t")
    outcome = shop.publish(frame, Delta(shop.at("t"), **way))
    assert outcome.verdict.category == category, outcome.verdict.text()
    for word in words:
        assert word in outcome.verdict.text()
    assert shop.version("t") == before, "nothing was committed"


@WAYS
def test_a_null_in_a_column_that_is_not_null_is_refused_with_its_name(shop: InProcess, way: dict[str, Any]) -> None:
    table(shop, Field("id", LONG), Field("v", TEXT, nullable=False))
    frame = pl.DataFrame({"id": [1, 2], "v": ["x", None]})
    refused(shop, frame, way, "output_mismatch", "v is NOT NULL: at least 1 rows")
    assert shop.publish(frame.head(1), Delta(shop.at("t"), **way)).verdict.succeeded
    assert rows(shop.at("t")) == [(1, "x")]


NESTED = [
    pytest.param(
        StructType([Field("a", LONG, nullable=False)]), [{"a": 1}, None], [{"a": None}], "v.a is NOT NULL", id="struct"
    ),
    pytest.param(ArrayType(LONG, contains_null=False), [[1], None, []], [[1, None]], "v[] is NOT NULL", id="list"),
    pytest.param(
        ArrayType(StructType([Field("a", LONG, nullable=False)]), contains_null=True),
        [[{"a": 1}, None]],
        [[{"a": 1}, {"a": None}]],
        "v[].a is NOT NULL",
        id="struct in a list",
    ),
]


@pytest.mark.parametrize(("kind", "good", "bad", "words"), NESTED)
def test_a_null_inside_of_a_column_is_refused_with_its_path(
    shop: InProcess, kind: Any, good: list[Any], bad: list[Any], words: str
) -> None:
    table(shop, Field("id", LONG), Field("v", kind))
    dtype = pl.DataFrame({"v": good})["v"].dtype
    frame = pl.DataFrame({"id": range(len(bad)), "v": bad}, schema={"id": pl.Int64, "v": dtype})
    refused(shop, frame, {"append": True}, "output_mismatch", words)
    frame = pl.DataFrame({"id": range(len(good)), "v": good}, schema={"id": pl.Int64, "v": dtype})
    assert shop.publish(frame, shop.delta("t", append=True)).verdict.succeeded
    assert rows(shop.at("t"), "v") == sorted(frame.select("v").rows(), key=repr)


@WAYS
def test_rows_that_break_an_invariant_are_refused_with_its_text(shop: InProcess, way: dict[str, Any]) -> None:
    table(shop, Field("id", LONG, metadata=invariant("id > 3")), Field("v", TEXT))
    refused(shop, pl.DataFrame({"id": [1, 4], "v": ["x", "y"]}), way, "output_mismatch", "invariant of id: id > 3")
    assert shop.publish(pl.DataFrame({"id": [4], "v": ["y"]}), Delta(shop.at("t"), **way)).verdict.succeeded


@WAYS
def test_rows_that_break_a_check_constraint_are_refused_with_its_name(shop: InProcess, way: dict[str, Any]) -> None:
    table(shop, Field("id", LONG), Field("v", TEXT))
    DeltaTable(shop.at("t")).alter.add_constraint({"known": "v IN ('a', 'it''s') AND id < 5"})  # deltalake words it anew
    for value in ("b", None):
        frame = pl.DataFrame({"id": [1], "v": [value]}, schema={"id": pl.Int64, "v": pl.String})
        refused(shop, frame, way, "output_mismatch", "CHECK constraint known: ", "'it''s'")
    assert shop.publish(pl.DataFrame({"id": [1, 2], "v": ["a", "it's"]}), Delta(shop.at("t"), **way)).verdict.succeeded


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("length(v) > 1", id="a function"),
        pytest.param("id % 2 = 0", id="arithmetic"),
        pytest.param('v = "x"', id="quotes that are text to Spark and a name to others"),
        pytest.param("day > '2024-01-01'", id="a date compared with text"),
        pytest.param("s.a > 1", id="a field"),
        pytest.param("v", id="not a condition"),
        pytest.param("v > 1", id="text compared with a number"),
        pytest.param("nosuch > 1", id="another column"),
        pytest.param("length (v) > 1", id="a function with the name of a column"),
    ],
)
def test_a_rule_that_cannot_be_held_is_refused_before_any_work(shop: InProcess, text: str) -> None:
    fields = [Field("id", LONG, metadata=invariant(text)), Field("v", TEXT), Field("day", PrimitiveType("date"))]
    table(shop, *fields, Field("s", StructType([Field("a", LONG)])), Field("length", LONG))
    columns = {"id": pl.Int64, "v": pl.String, "day": pl.Date, "s": pl.Struct({"a": pl.Int64}), "length": pl.Int64}
    frame = pl.DataFrame(schema=columns)
    refused(shop, frame, {"append": True}, "publish_refused", "cannot hold its rows to: invariant of id", text)
    assert not list(Path(shop.at("t")).glob("*.parquet"))


def test_a_map_whose_values_are_not_null_is_refused(shop: InProcess) -> None:
    table(shop, Field("id", LONG), Field("m", MapType(TEXT, LONG, value_contains_null=False)))
    frame = pl.DataFrame(schema={"id": pl.Int64, "m": pl.Map(pl.String, pl.Int64)})
    refused(shop, frame, {"append": True}, "publish_refused", "a map whose values are NOT NULL", ": m")


@pytest.mark.parametrize("way", MODES[1:])
def test_an_append_only_table_is_appended_to_and_nothing_else_at_once(shop: InProcess, way: dict[str, Any]) -> None:
    table(shop, Field("id", LONG), **{"delta.appendOnly": "true"})
    frame = pl.DataFrame({"id": [1]})
    assert shop.publish(frame, shop.delta("t", append=True)).verdict.succeeded
    refused(shop, frame, way, "publish_refused", "the Delta table is append-only", "append=True")


def test_bad_rows_that_are_set_aside_are_not_held_to_the_tables_rules(shop: InProcess) -> None:
    import dataframely as dy

    from polarpod.contract.definition import Check

    class Known(dy.Schema):
        v = dy.String(nullable=False)

    table(shop, Field("v", TEXT, nullable=False))
    checks = Check(Known, quarantine=shop.at("bad"), max_bad_share=0.9)
    outcome = shop.publish(pl.DataFrame({"v": ["x", None]}), shop.delta("t", append=True), checks=checks)
    assert outcome.verdict.succeeded, outcome.verdict.text()
    assert rows(shop.at("t")) == [("x",)]


@pytest.mark.parametrize("mode", [pytest.param({"append": True}, id="append"), pytest.param({"replace": {}}, id="replace")])
@pytest.mark.parametrize(
    "interval", ["interval 7 days", "interval 100 hours", "a week"], ids=["days", "hours", "no interval"]
)
def test_a_table_that_forgets_its_runs_while_their_attempts_may_live_is_refused(
    shop: InProcess, interval: str, mode: dict[str, Any]
) -> None:
    table(shop, Field("id", LONG), **{"delta.setTransactionRetentionDuration": interval})
    refused(shop, pl.DataFrame({"id": [1]}), mode, "publish_refused", "forgets which runs")


def test_a_table_that_remembers_its_runs_long_enough_is_published_to(shop: InProcess) -> None:
    table(shop, Field("id", LONG), **{"delta.setTransactionRetentionDuration": "interval 8 days"})
    assert shop.publish(pl.DataFrame({"id": [1]}), shop.delta("t", append=True)).verdict.succeeded


def field(name: str, **metadata: Any) -> dict[str, Any]:
    return {"name": name, "type": "long", "nullable": True, "metadata": metadata}


def foreign(
    shop: InProcess,
    *,
    reader: list[str] | None = None,
    writer: list[str] | None = None,
    versions: tuple[int, int] = (3, 7),
    fields: list[dict[str, Any]] | None = None,
    **properties: str,
) -> None:
    """A table of one row, as an engine with these features would have made it."""
    shop.put("t/f.parquet", pl.DataFrame({"id": [1], "v": [2]}))
    protocol: dict[str, Any] = {"minReaderVersion": versions[0], "minWriterVersion": versions[1]}
    protocol |= {"readerFeatures": reader or []} if versions[0] == 3 else {}
    protocol |= {"writerFeatures": [*(reader or []), *(writer or [])]} if versions[1] == 7 else {}
    schema = json.dumps({"type": "struct", "fields": fields or [field("id"), field("v")]})
    metadata = {"id": "x", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "schemaString": schema}
    add = {"path": "f.parquet", "partitionValues": {}, "size": Path(shop.at("t/f.parquet")).stat().st_size}
    write_log(
        shop.at("t"),
        {"protocol": protocol},
        {"metaData": metadata | {"configuration": properties, "createdTime": 0}},
        {"add": add | {"modificationTime": 0, "dataChange": True, "stats": '{"numRecords": 1}'}},
    )


MAPPED = [
    field(name, **{"delta.columnMapping.id": at, "delta.columnMapping.physicalName": name})
    for at, name in enumerate(("id", "v"), 1)
]


@pytest.mark.parametrize(
    ("made", "name"),
    [
        pytest.param(
            {"versions": (2, 5), "fields": MAPPED, "delta.columnMapping.mode": "name"}, "columnMapping", id="mapping by name"
        ),
        pytest.param(
            {"reader": ["columnMapping"], "fields": MAPPED, "delta.columnMapping.mode": "id"},
            "columnMapping",
            id="mapping by id",
        ),
        pytest.param({"reader": ["newThing"]}, "newThing", id="a feature of tomorrow"),
        pytest.param({"versions": (9, 9)}, "version 9", id="a protocol of tomorrow"),
        pytest.param(
            {"reader": ["typeWidening"], "fields": [field("id"), field("v", **{"delta.typeChanges": []})]},
            "typeWidening (of v)",
            id="a column that was widened",
        ),
        pytest.param(
            {"reader": ["variantType"], "fields": [field("id"), field("v") | {"type": "variant"}]},
            "variantType",
            id="a variant",
        ),
        pytest.param(
            {"versions": (1, 2), "fields": [field("id"), field("ID")]}, "Duplicate field name", id="names in two cases"
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_the_features_name(
    shop: InProcess, made: dict[str, Any], name: str
) -> None:
    foreign(shop, **made)
    outcome = shop.run(lambda t: t, shop.delta("out", replace={}), t=shop.delta("t"))
    assert outcome.verdict.category == "input_unreadable", outcome.verdict.text()
    assert name in outcome.verdict.text()
    assert "restore" not in outcome.verdict.text().lower()
    for way in ({"append": True}, {"replace": {}}, {"merge": ["id"]}):
        outcome = shop.publish(pl.DataFrame({"id": [1], "v": [1]}), Delta(shop.at("t"), **way))
        assert outcome.verdict.category == "publish_refused", outcome.verdict.text()
        assert name.partition(" (")[0] in outcome.verdict.text()


@pytest.mark.parametrize(
    "made",
    [
        pytest.param({"writer": ["newThing"]}, id="a writer's feature of tomorrow"),
        pytest.param({"versions": (1, 99)}, id="a writer's version of tomorrow"),
        pytest.param({"versions": (2, 5)}, id="mapping allowed and not in use"),
        pytest.param(
            {"reader": ["columnMapping", "typeWidening", "v2Checkpoint", "timestampNtz"]}, id="features not in use"
        ),
        pytest.param({"reader": ["deletionVectors"]}, id="deletion vectors not in use"),
        pytest.param(
            {"writer": ["rowTracking", "domainMetadata", "clustering", "inCommitTimestamp", "identityColumns"]},
            id="writers' features",
        ),
    ],
)
def test_what_only_writers_must_know_is_no_bar_to_reading(shop: InProcess, made: dict[str, Any]) -> None:
    foreign(shop, **made)
    assert shop.read(shop.delta("t")).rows() == [(1, 2)]


@pytest.mark.parametrize(
    ("made", "name"),
    [
        pytest.param({"writer": [feature]}, feature, id=feature)
        for feature in ("newThing", "rowTracking", "clustering", "inCommitTimestamp", "identityColumns", "icebergCompatV2")
    ]
    + [
        pytest.param({"versions": (1, 6)}, "writer version 6", id="identity columns without a name"),
        pytest.param(
            {"versions": (1, 4), "fields": [field("id"), field("v", **{"delta.generationExpression": "id + 1"})]},
            "generatedColumns (v = id + 1)",
            id="a generated column",
        ),
        pytest.param(
            {"versions": (1, 6), "fields": [field("id", **{"delta.identity.start": 1}), field("v")]},
            "identityColumns (id)",
            id="identity",
        ),
    ],
)
@WAYS
def test_what_a_writer_would_have_to_know_is_refused_by_name_before_any_work(
    shop: InProcess, made: dict[str, Any], name: str, way: dict[str, Any]
) -> None:
    foreign(shop, **made)
    refused(shop, pl.DataFrame({"id": [1], "v": [1]}), way, "publish_refused", "uses what polarpod does not write", name)


def test_a_change_feed_is_appended_to_and_not_replaced_from(shop: InProcess) -> None:
    table(shop, Field("id", LONG), **{"delta.enableChangeDataFeed": "true"})
    frame = pl.DataFrame({"id": [1]})
    assert shop.publish(frame, shop.delta("t", append=True)).verdict.succeeded
    refused(shop, frame, {"replace": {}}, "publish_refused", "changeDataFeed")


def test_a_rule_that_comes_while_the_run_works_is_looked_at_before_the_commit(shop: InProcess) -> None:
    write_deltalake(shop.at("t"), pl.DataFrame({"id": [1]}))

    def meanwhile(t: pl.LazyFrame) -> pl.LazyFrame:
        def alter(batch: pl.DataFrame) -> pl.DataFrame:
            DeltaTable(shop.at("t")).alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
            return batch

        return t.map_batches(alter, schema=t.collect_schema())

    outcome = shop.run(meanwhile, shop.delta("t", replace={}), t=shop.delta("t"))
    assert outcome.verdict.category == "publish_refused", outcome.verdict.text()
    assert rows(shop.at("t")) == [(1,)]


def test_a_merge_that_meets_rows_of_the_table_that_break_its_rule_says_so(shop: InProcess) -> None:
    table(shop, Field("id", LONG), Field("v", LONG))
    stale = shop.put("t/old.parquet", pl.DataFrame({"id": [1, 2], "v": [-1, 2]}))
    DeltaTable(shop.at("t")).alter.add_constraint({"positive": "v > 0"})
    write_log(shop.at("t"), add("old.parquet", stale, {}), version=2)
    frame = pl.DataFrame({"id": [2], "v": [3]})
    refused(shop, frame, {"merge": ["id"]}, "publish_refused", "rows that the Delta table already has break its rules")
