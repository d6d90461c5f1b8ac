"""Checks and counts the batches of rows before the sink: each must have the planned types and belong to the partition that
the run owns.

Polars plans some expressions with one type and computes another. A plain sink refuses such a batch; a partitioned sink casts
it and turns values that do not fit into null. So the types are always checked before the sink.

Polars raises an exception of these callbacks as a ComputeError with its text; the original is kept in `failures`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.polars import partition
from polarpod.runtime.engines.polars.formats.written_keys import WrittenKeys
from polarpod.runtime.engines.polars.stage import Target
from polarpod.runtime.types.dtype import describe, from_text

# Returns a format's error for a batch, or None.
Refusal: TypeAlias = Callable[[pl.DataFrame], "PolarpodError | None"]


def nothing_refused(_batch: pl.DataFrame) -> PolarpodError | None:
    """The check of a format that accepts every value of its types."""
    return None


class Tally:
    """Counts of the rows that went to the sink, and of their nulls by column."""

    def __init__(self) -> None:
        self.rows = 0
        self.nulls: Counter[str] = Counter()
        # Polars may call `add` from several of its threads.
        self._lock = threading.Lock()

    def add(self, batch: pl.DataFrame) -> None:
        nulls = {column.name: column.null_count() for column in batch.get_columns()}
        with self._lock:
            self.rows += batch.height
            self.nulls.update(nulls)


class Watch:
    """The batch checks of one attempt.

    Attributes:
        failures: the raised exceptions, in order.
    """

    def __init__(self) -> None:
        self.failures: list[BaseException] = []

    def hold(self, lf: pl.LazyFrame, refusal: Refusal = nothing_refused) -> pl.LazyFrame:
        """Returns the frame; its query fails where a batch has other types than planned or fails the format's check."""
        schema = lf.collect_schema()

        def pass_on(batch: pl.DataFrame) -> pl.DataFrame:
            self._check(batch, schema)
            if unfit := refusal(batch):
                self._fail(unfit)
            return batch

        # No projection pushdown: a rule or a sink that needs fewer columns would remove some from the batch.
        return lf.map_batches(
            pass_on, schema=schema, validate_output_schema=False, streamable=True, projection_pushdown=False
        )

    def rows(self, lf: pl.LazyFrame, target: Target, tally: Tally, on_rows: Callable[[int], None]) -> pl.LazyFrame:
        """Returns the frame for a sink: counted, checked for its types and for the partition that the run owns, and without
        the columns of that partition, which files do not store."""
        schema = lf.collect_schema()
        owned = {column: from_text(text, schema[column]) for column, text in target.owned.items()}
        kept = pl.Schema({name: dtype for name, dtype in schema.items() if name not in owned})
        floats = [column for column in target.partition_by if column in kept and kept[column].is_float()]
        written = WrittenKeys(target.written_back, schema) if target.written_back is not None else None

        def pass_on(batch: pl.DataFrame) -> pl.DataFrame:
            self._check(batch, schema)
            for column, value in owned.items():
                strays = batch.filter(pl.col(column).ne_missing(pl.lit(value)))
                if not strays.is_empty():
                    self._fail(_outside(column, target.owned[column], strays[column].unique().head(5).to_list()))
            if floats and (unfit := partition.unfit_float(batch.select(floats))):
                self._fail(unfit)
            if written and (unfit := written.refusal(batch)):
                self._fail(unfit)
            stored = batch.drop(list(owned)) if owned else batch
            tally.add(stored)
            on_rows(batch.height)
            return stored

        return lf.map_batches(pass_on, schema=kept, validate_output_schema=False, streamable=True, projection_pushdown=False)

    def _check(self, batch: pl.DataFrame, schema: pl.Schema) -> None:
        if batch.schema != schema:
            self._fail(_other_types(schema, batch.schema))

    def _fail(self, error: PolarpodError) -> None:
        self.failures.append(error)
        raise error


def _other_types(planned: pl.Schema, delivered: pl.Schema) -> PolarpodError:
    wrong = [column for column in planned if delivered.get(column, planned[column]) != planned[column]]
    if not wrong:
        return PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the transform delivers other columns than its plan says",
            evidence=[f"planned: {', '.join(planned)}", f"delivered: {', '.join(delivered)}"],
            remedy="Select the columns explicitly at the end of the transform. A Python function in the plan must return "
            "the columns of the schema that it declares.",
        )
    first = wrong[0]
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"the transform delivers the column {first!r} as another type than its plan says",
        evidence=[
            f"{column}: planned {describe(planned[column])}, delivered {describe(delivered[column])}" for column in wrong
        ],
        remedy="Cast the operands of the expression to a type that holds every result, for instance "
        f'pl.col("...").cast(pl.{_spelled(delivered[first])}), so that plan and rows agree. Nothing was published.',
    )


def _spelled(dtype: pl.DataType) -> str:
    return describe(dtype) if isinstance(dtype, pl.Decimal) or not dtype.is_nested() else type(dtype).__name__


def _outside(column: str, expected: str, found: list[object]) -> PolarpodError:
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"the output has rows outside the partition this run owns ({column} = {expected})",
        evidence=[f"{column} = {value}" for value in found],
        remedy=f"Filter the rows in the transform, or set {column} to the parameter.",
    )
