"""Checks of a Delta table against an output, before a row is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polarpod.contract.dataset import partition_columns
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.schema_changes import schema_changed, schema_changes
from polarpod.store.delta_features import Traits, not_written
from polarpod.store.delta_log import active_files
from polarpod.store.delta_path import deltalake_can_name, is_absolute
from polarpod.store.delta_transactions import RETENTION, RETENTION_PROPERTY, SHORTEST, retention_of
from polarpod.store.partition_text import is_misspelled

if TYPE_CHECKING:
    import deltalake


def check_columns(commit: Commit, table: deltalake.DeltaTable, ours: deltalake.Schema, *, bare: bool) -> None:
    """Raises PolarpodError where the table has other columns or partitions."""
    changes = schema_changes(_types(table.schema()), _types(ours))
    partitions = table.metadata().partition_columns
    wanted = partition_columns(commit.output)
    # deltalake's own writers use the table's partitions; a file that is committed unchanged must lie in them already.
    if partitions != wanted and (wanted or bare):
        changes.append(f"partition_by: {partitions} there, {wanted} now")
    if changes:
        raise schema_changed(commit.uri, changes)


def check_features(commit: Commit, traits: Traits, *, bare: bool) -> None:
    """Raises PolarpodError where the table requires a writer feature that polarpod lacks, is append-only for an output of
    another mode, or drops transactions before the last possible attempt."""
    takes = commit.mode != "append"
    if features := not_written(traits, bare=bare, takes=takes):
        raise PolarpodError(
            Category.PUBLISH_REFUSED,
            f"the Delta table uses what polarpod does not write: {', '.join(features)}",
            evidence=[commit.uri, f"writer version {traits.writer_version}, {commit.mode}"],
            remedy="Publish to a table without it, or write to this one with the engine that made it.",
        )
    if takes and traits.says("delta.appendOnly"):
        raise PolarpodError(
            Category.PUBLISH_REFUSED,
            f"the Delta table is append-only, and the output publishes by {commit.mode}",
            evidence=[commit.uri, "delta.appendOnly = true"],
            remedy="Publish with append=True, or to another table.",
        )
    remembered = retention_of(traits.properties)
    if remembered is not None and remembered < SHORTEST:
        raise PolarpodError(
            Category.PUBLISH_REFUSED,
            "the Delta table forgets which runs have published to it while a late attempt of one may still do so",
            evidence=[commit.uri, f"{RETENTION_PROPERTY} = {traits.properties[RETENTION_PROPERTY]}"],
            remedy=f"Set the property to {RETENTION!r}, or at least to {SHORTEST.days} days: an attempt may take a week.",
        )


def check_paths(commit: Commit, table: deltalake.DeltaTable) -> None:
    """Raises PolarpodError where the log names a file that deltalake cannot find or cannot remove."""
    for file in active_files(table, {}):
        if is_absolute(file["path"]) or not deltalake_can_name(file["spelled"]):
            raise PolarpodError(
                Category.PUBLISH_REFUSED,
                "the log of the Delta table names files in a way that a merge or a predicate cannot rewrite",
                evidence=[commit.uri, f"its log names {file['spelled']}"],
                remedy="Replace whole partitions instead: that removes files whatever their names are.",
            )


def check_values(commit: Commit, table: deltalake.DeltaTable) -> None:
    """Raises PolarpodError where deltalake, rewriting a partition, would write a wrong partition value to the log."""
    for file in active_files(table, {}):
        for column, value in file["values"].items():
            if is_misspelled(value):
                raise PolarpodError(
                    Category.PUBLISH_REFUSED,
                    "the Delta table has a partition that a merge or a predicate cannot write: deltalake writes -1.50 as "
                    "-1.-50, which nobody can read",
                    evidence=[commit.uri, f"{column} = {value}"],
                    remedy="Replace whole partitions instead, or partition the table by another column.",
                )


def _types(schema: deltalake.Schema) -> dict[str, str]:
    return {field.name: _type_name(field.type) for field in schema.fields}


def _type_name(kind: Any) -> str:
    """Returns the name of a type without nullability, which is a rule for values and not part of the type."""
    name = kind.type
    if name == "struct":
        return "struct<" + ", ".join(f"{field.name}: {_type_name(field.type)}" for field in kind.fields) + ">"
    if name == "array":
        return f"array<{_type_name(kind.element_type)}>"
    if name == "map":
        return f"map<{_type_name(kind.key_type)}, {_type_name(kind.value_type)}>"
    return str(name)
