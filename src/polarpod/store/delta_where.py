"""Selects the partitions of a Delta table that the texts of a `where` or of a replaced partition refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.partition_text import is_same, read_delta

if TYPE_CHECKING:
    from deltalake import DeltaTable

_EXAMPLES = {
    "date": "2024-02-29",
    "timestamp": "2024-02-29T12:00:00Z",
    "timestamp_ntz": "2024-02-29T12:00:00, without a zone",
    "boolean": "true or false",
    "double": "0.5",
    "float": "0.5",
}


def check_where(table: DeltaTable, where: Mapping[str, str]) -> None:
    """Raises PolarpodError where `where` names a column that is no partition column, or a text that is no value of it.

    Neither would match any file, and the input would always be reported as empty.
    """
    partitions = table.metadata().partition_columns
    if strays := [column for column in where if column not in partitions]:
        raise PolarpodError(
            Category.INPUT_MISMATCH,
            f"the Delta table is not partitioned by {', '.join(strays)}",
            evidence=[str(table.table_uri), f"partitioned by: {', '.join(partitions) or 'nothing'}"],
            remedy="Choose by its partition columns in `where`, and filter the rest in the transform.",
        )
    kinds = _kinds(table)
    for column, text in where.items():
        try:
            read_delta(text, kinds[column])
        except ValueError:
            example = _EXAMPLES.get(kinds[column])
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"`where` chooses {column} by {text[:100]!r}, which is no {kinds[column]}",
                evidence=[f"{table.table_uri}: {column} is a partition column of type {kinds[column]}"],
                remedy=f"Give the parameter the column's type{f', written as {example}' if example else ''}; "
                "or read the whole table and filter in the transform.",
            ) from None


def chooser(table: DeltaTable, where: Mapping[str, str]) -> Callable[[Mapping[str, object]], bool]:
    """A predicate: whether a file's partition values equal those of the texts: "01" and "1" are one hour, "1.5" is "1.50".

    A text that is no value of its column matches nothing.
    """
    kinds = _kinds(table)
    wanted = {column: _read(text, kinds.get(column, "")) for column, text in where.items()}
    return lambda values: all(value is not None and is_same(value, values.get(column)) for column, value in wanted.items())


def _read(text: str, kind: str) -> object:
    try:
        return read_delta(text, kind)
    except ValueError:
        return None


def _kinds(table: DeltaTable) -> dict[str, str]:
    return {field.name: str(field.type.type) for field in table.schema().fields}
