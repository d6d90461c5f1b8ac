"""A format's requirements for the rows that Polars writes. An output's publisher names the format."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from polarpod.contract.formats.format import OutputFormat

if TYPE_CHECKING:
    from polarpod.runtime.engines.polars.batches import Refusal
    from polarpod.runtime.engines.polars.partition import Unfit


class RowFormat(NamedTuple):
    """How rows are written for one format.

    Attributes:
        fit: returns the frame with types of the format; raises where a type has no lossless one.
        refusal: from the planned and the fitted schema, returns the check for values that the cast between them would lose.
        unfit: returns the reason why readers would not get a partition value back, or None.
    """

    fit: Callable[[pl.LazyFrame], pl.LazyFrame]
    refusal: Callable[[pl.Schema, pl.Schema], Refusal]
    unfit: Unfit


def row_format_of(output: OutputFormat) -> RowFormat:
    """Imports and returns the row format of an output."""
    rows: RowFormat = import_module(f"polarpod.runtime.engines.polars.formats.{output.publisher}").ROWS
    return rows
