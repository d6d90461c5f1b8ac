"""Datetimes in nanoseconds inside any type: where a file has them, and which of them a coarser unit would truncate.

Polars casts nanoseconds to microseconds silently, also inside lists, structs and maps. So a column is read in its stored
unit, and its values are checked before the cast.
"""

from __future__ import annotations

import polars as pl

from polarpod.runtime.types.dtype import parts
from polarpod.runtime.types.nested_values import any_leaf, leaves_of

# The value of an INT96 timestamp outside the range of nanoseconds, beyond either end.
LAST_NANOSECOND = 2**63 - 1
_NANOSECONDS = {"us": 1_000, "ms": 1_000_000}


def finer(wanted: pl.DataType, found: pl.DataType | None) -> pl.DataType:
    """Returns the wanted type with nanoseconds wherever the file has them; `wanted` itself where it loses no digit."""
    if isinstance(wanted, pl.Datetime):
        return pl.Datetime("ns", wanted.time_zone) if found is not None and _is_fine(found) else wanted
    inside, stored = parts(wanted), parts(found) if found is not None else {}
    inner = {name: finer(dtype, stored.get(name)) for name, dtype in inside.items()}
    if inner == inside:
        return wanted
    if isinstance(wanted, pl.List):
        return pl.List(*inner.values())
    return pl.Map(*inner.values()) if isinstance(wanted, pl.Map) else pl.Struct(inner)


def has_moments(dtype: pl.DataType) -> bool:
    """Whether the type is or contains a Datetime."""
    return isinstance(dtype, pl.Datetime) or any(has_moments(inner) for inner in parts(dtype).values())


def has_finer_keys(wanted: pl.DataType, found: pl.DataType) -> bool:
    """Whether the keys of a map would need a cast, which Polars does not support."""
    inside, stored = parts(wanted), parts(found)
    if isinstance(wanted, pl.Map) and finer(inside["key"], stored.get("key")) != inside["key"]:
        return True
    return any(has_finer_keys(dtype, stored[name]) for name, dtype in inside.items() if name in stored)


def saturated(value: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Returns an expression: whether a value is or contains `LAST_NANOSECOND`. None for types without nanoseconds."""

    def is_last(moment: pl.Expr, stored: pl.DataType, _wanted: pl.DataType) -> pl.Expr | None:
        return moment.to_physical() == LAST_NANOSECOND if _is_fine(stored) else None

    return any_leaf(value, dtype, dtype, is_last)


def cut(value: pl.Expr, stored: pl.DataType, wanted: pl.DataType) -> pl.Expr | None:
    """Returns an expression: whether a value is or contains a datetime with digits beyond the wanted unit. None for types
    without nanoseconds."""

    def is_cut(moment: pl.Expr, stored: pl.DataType, wanted: pl.DataType) -> pl.Expr | None:
        return _is_cut(moment, wanted) if _is_fine(stored) else None

    return any_leaf(value, stored, wanted, is_cut)


def first_cut(values: pl.Series, wanted: pl.DataType) -> str | None:
    """Returns the first datetime in nanoseconds that the wanted unit would truncate, as text, or None."""
    for moments, unit in leaves_of(values, wanted):
        found = moments.to_frame("at").filter(_is_cut(pl.col("at"), unit)) if _is_fine(moments.dtype) else pl.DataFrame()
        if found.height:
            return str(found["at"].head(1).dt.to_string()[0])
    return None


def _is_fine(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns"


def _is_cut(moment: pl.Expr, wanted: pl.DataType) -> pl.Expr:
    assert isinstance(wanted, pl.Datetime)
    digits = _NANOSECONDS.get(wanted.time_unit, 1)
    return (moment.to_physical() % digits != 0) & (moment.to_physical() != LAST_NANOSECOND)
