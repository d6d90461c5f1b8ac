"""Columns as a Delta log has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polarpod.runtime.publish.publisher import Columns

if TYPE_CHECKING:
    import deltalake


def delta_schema(columns: Columns) -> deltalake.Schema:
    """The Delta schema of columns whose types a Delta table has."""
    import arro3.core
    import deltalake

    reader = arro3.core.RecordBatchReader.from_stream(columns)
    return deltalake.Schema.from_arrow(reader.schema)
