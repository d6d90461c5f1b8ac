"""A file that an engine has written and nobody reads yet."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

# as JSON has it
Bound: TypeAlias = int | str


class ColumnStatistics(NamedTuple):
    """Of one file.

    Attributes:
        columns: that are in it.
        nulls: column -> how many; of no nested ones.
        least: column -> its smallest value, of those of which it is exact.
        greatest: as least.
    """

    columns: tuple[str, ...]
    nulls: dict[str, int]
    least: dict[str, Bound]
    greatest: dict[str, Bound]


NO_STATISTICS = ColumnStatistics((), {}, {}, {})


class StagedFile(NamedTuple):
    """One file that was written: path relative to the base, with the values of its partition columns as text, and what its
    footer says of the other columns."""

    path: str
    rows: int
    bytes: int
    partition: dict[str, str | None]
    statistics: ColumnStatistics = NO_STATISTICS
