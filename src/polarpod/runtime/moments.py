"""Moments in nanoseconds inside of any type: where a file has them, and which of them a coarser type would cut off.

Polars casts nanoseconds to microseconds in silence, also deep inside of lists, structs and maps. So a column is read in the
unit it is stored in, and its values are looked at before the cast.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import TypeAlias

import polars as pl

from polarpod.runtime.dtype import parts

# What an INT96 moment outside of nanoseconds becomes, whichever end it is beyond.
LAST_NANOSECOND = 2**63 - 1
_NANOSECONDS = {"us": 1_000, "ms": 1_000_000}

# Whether a moment in nanoseconds is a bad one, given the type it is wanted in.
_Test: TypeAlias = Callable[[pl.Expr, pl.DataType], pl.Expr]


def finer(wanted: pl.DataType, found: pl.DataType | None) -> pl.DataType:
    """The wanted type, in nanoseconds wherever a file has them. It is the wanted one where no digit can be lost."""
    if isinstance(wanted, pl.Datetime):
        is_fine = isinstance(found, pl.Datetime) and found.time_unit == "ns"
        return pl.Datetime("ns", wanted.time_zone) if is_fine else wanted
    inside, stored = parts(wanted), parts(found) if found is not None else {}
    inner = {name: finer(dtype, stored.get(name)) for name, dtype in inside.items()}
    if inner == inside:
        return wanted
    if isinstance(wanted, pl.List):
        return pl.List(*inner.values())
    return pl.Map(*inner.values()) if isinstance(wanted, pl.Map) else pl.Struct(inner)


def has_moments(dtype: pl.DataType) -> bool:
    """Whether a moment is part of the type."""
    return isinstance(dtype, pl.Datetime) or any(has_moments(inner) for inner in parts(dtype).values())


def has_finer_keys(wanted: pl.DataType, found: pl.DataType) -> bool:
    """Whether a map's keys would have to be cast, which Polars does not do."""
    inside, stored = parts(wanted), parts(found)
    if isinstance(wanted, pl.Map) and finer(inside["key"], stored.get("key")) != inside["key"]:
        return True
    return any(has_finer_keys(dtype, stored[name]) for name, dtype in inside.items() if name in stored)


def saturated(value: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Whether a value is or has the last moment in nanoseconds; None for types without nanoseconds."""
    return _any(value, dtype, dtype, lambda moment, _: moment.to_physical() == LAST_NANOSECOND)


def cut(value: pl.Expr, stored: pl.DataType, wanted: pl.DataType) -> pl.Expr | None:
    """Whether a value is or has a moment with digits that the wanted type lacks; None where it lacks none."""
    return _any(value, stored, wanted, _is_cut)


def first_cut(values: pl.Series, wanted: pl.DataType) -> str | None:
    """The first moment in nanoseconds that the wanted type would cut off, as text."""
    for moments, unit in _leaves(values, wanted):
        found = moments.to_frame("at").filter(_is_cut(pl.col("at"), unit))
        if found.height:
            return str(found["at"].head(1).dt.to_string()[0])
    return None


def _is_cut(moment: pl.Expr, wanted: pl.DataType) -> pl.Expr:
    assert isinstance(wanted, pl.Datetime)
    digits = _NANOSECONDS.get(wanted.time_unit, 1)
    return (moment.to_physical() % digits != 0) & (moment.to_physical() != LAST_NANOSECOND)


def _any(value: pl.Expr, stored: pl.DataType, wanted: pl.DataType, is_bad: _Test) -> pl.Expr | None:
    if isinstance(stored, pl.Datetime):
        return is_bad(value, wanted) if stored.time_unit == "ns" else None
    inside, asked = parts(stored), parts(wanted)
    if isinstance(stored, pl.List):
        inner = _any(pl.element(), inside["element"], asked["element"], is_bad)
        return None if inner is None else value.list.eval(inner).list.any()
    if isinstance(stored, pl.Map):
        of = {"key": value.map.keys(), "value": value.map.values()}
        found = [_any(of[name], pl.List(inside[name]), pl.List(asked[name]), is_bad) for name in of]
    else:
        found = [_any(value.struct.field(name), dtype, asked[name], is_bad) for name, dtype in inside.items()]
    bad = [each.fill_null(value=False) for each in found if each is not None]
    return reduce(or_, bad) if bad else None


def _leaves(values: pl.Series, wanted: pl.DataType) -> list[tuple[pl.Series, pl.DataType]]:
    """Every column of moments in nanoseconds inside of a column."""
    dtype, inside = values.dtype, parts(wanted)
    if isinstance(dtype, pl.Datetime):
        return [(values, wanted)] if dtype.time_unit == "ns" else []
    if isinstance(dtype, pl.List):
        return _leaves(values.explode(), inside["element"])
    if isinstance(dtype, pl.Map):
        keys_and_values = values.to_frame("it").select(key=pl.col("it").map.keys(), value=pl.col("it").map.values())
        return [leaf for part in keys_and_values for leaf in _leaves(part.explode(), inside[part.name])]
    fields = values.struct.unnest().get_columns() if isinstance(dtype, pl.Struct) else []
    return [leaf for field in fields for leaf in _leaves(field, inside[field.name])]
