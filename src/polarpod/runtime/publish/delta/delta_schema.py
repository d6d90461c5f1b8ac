"""The Delta schema of Arrow columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polarpod.runtime.publish.publisher import Columns

if TYPE_CHECKING:
    import deltalake


def delta_schema(columns: Columns) -> deltalake.Schema:
    """Returns the Delta schema of columns, whose types must all exist in Delta."""
    import arro3.core
    import deltalake

    reader = arro3.core.RecordBatchReader.from_stream(columns)
    return deltalake.Schema.from_arrow(reader.schema)
