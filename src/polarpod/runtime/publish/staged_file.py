"""A file that an engine has written and that is not visible to readers yet."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

# A column's bound as a JSON value.
Bound: TypeAlias = int | str


class ColumnStatistics(NamedTuple):
    """Column statistics of one file.

    Attributes:
        columns: the columns of the file.
        nulls: column -> number of nulls; without nested columns.
        least: column -> smallest value; only where it is exact.
        greatest: column -> largest value; only where it is exact.
    """

    columns: tuple[str, ...]
    nulls: dict[str, int]
    least: dict[str, Bound]
    greatest: dict[str, Bound]


NO_STATISTICS = ColumnStatistics((), {}, {}, {})


class StagedFile(NamedTuple):
    """One written file: its path relative to the base, the values of its partition columns as text, and the statistics of
    the other columns from its footer."""

    path: str
    rows: int
    bytes: int
    partition: dict[str, str | None]
    statistics: ColumnStatistics = NO_STATISTICS
