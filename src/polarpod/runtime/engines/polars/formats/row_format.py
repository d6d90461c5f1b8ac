"""What a format needs of rows that Polars writes for it. An output's publisher names it."""

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
        fit: the frame with types that the format has; raises where there is none without a loss.
        refusal: of the planned and of the fitted schema: what of a batch would not survive the cast between them.
        unfit: why a partition value would not be read back, None where it is.
    """

    fit: Callable[[pl.LazyFrame], pl.LazyFrame]
    refusal: Callable[[pl.Schema, pl.Schema], Refusal]
    unfit: Unfit


def row_format_of(output: OutputFormat) -> RowFormat:
    """The row format of an output."""
    rows: RowFormat = import_module(f"polarpod.runtime.engines.polars.formats.{output.publisher}").ROWS
    return rows
