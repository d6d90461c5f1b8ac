"""Checks rows that deltalake will read back and write again, while they are staged.

Where polarpod names the files itself, partition values are checked when a file is named. deltalake names its files after
the rows were staged: an empty text silently becomes null, a decimal of -0.50 makes the table unreadable, a long text fails
with an error of the file system.
"""

from __future__ import annotations

import polars as pl

from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.engines.polars import partition
from polarpod.runtime.engines.polars.formats.delta import unfit_written_key
from polarpod.runtime.types.representable import IN_CHRONO, out_of_reach


class WrittenKeys:
    """The partition values of one output that is written back; each is checked once.

    Args:
        columns: the partition columns of the table.
    """

    def __init__(self, columns: list[str], schema: pl.Schema) -> None:
        self._columns = columns
        self._floats = [column for column in columns if schema[column].is_float()]
        self._too_far = out_of_reach(IN_CHRONO, schema, schema)
        # Batches arrive from several of Polars' threads; at worst a value is checked twice.
        self._seen: set[tuple[object, ...]] = set()

    def refusal(self, batch: pl.DataFrame) -> PolarpodError | None:
        """Returns the error for a value that deltalake would not write unchanged, or None."""
        if self._floats and (unfit := partition.unfit_float(batch.select(self._floats))):
            return unfit
        if self._columns:
            # As numbers: Python has no date after the year 9999.
            keys = batch.select(self._columns).unique()
            for index, row in enumerate(keys.select(pl.all().to_physical()).iter_rows()):
                if row in self._seen:
                    continue
                self._seen.add(row)
                try:
                    partition.folders(partition.key_values(keys[index], unfit_written_key))
                except PolarpodError as error:
                    return error
        return self._too_far(batch)
