"""Rows of plain Parquet: every type that a file preserves is written unchanged."""

from __future__ import annotations

from polarpod.runtime.engines.polars.batches import nothing_refused
from polarpod.runtime.engines.polars.formats.row_format import RowFormat
from polarpod.runtime.engines.polars.partition import takes_all

ROWS = RowFormat(fit=lambda frame: frame, refusal=lambda _planned, _stored: nothing_refused, unfit=takes_all)
