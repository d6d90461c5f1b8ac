"""The plain values inside nested ones: lists, structs and maps of any depth."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import TypeAlias

import polars as pl

from polarpod.runtime.types.dtype import parts

# Returns an expression: whether a plain value is bad, given its stored and its wanted type; None where no value can be.
Test: TypeAlias = Callable[[pl.Expr, pl.DataType, pl.DataType], "pl.Expr | None"]


def any_leaf(value: pl.Expr, stored: pl.DataType, wanted: pl.DataType, is_bad: Test) -> pl.Expr | None:
    """Returns an expression: whether a value is or contains a bad one; None where no value of the type can be bad."""
    inside, asked = parts(stored), parts(wanted)
    if not inside:
        return is_bad(value, stored, wanted)
    if isinstance(stored, (pl.List, pl.Array)):
        inner = any_leaf(pl.element(), inside["element"], asked["element"], is_bad)
        if inner is None:
            return None
        return value.list.eval(inner).list.any() if isinstance(stored, pl.List) else value.arr.eval(inner).arr.any()
    if isinstance(stored, pl.Map):
        of = {"key": value.map.keys(), "value": value.map.values()}
        found = [any_leaf(of[name], pl.List(inside[name]), pl.List(asked[name]), is_bad) for name in of]
    else:
        found = [any_leaf(value.struct.field(name), dtype, asked[name], is_bad) for name, dtype in inside.items()]
    bad = [each.fill_null(value=False) for each in found if each is not None]
    return reduce(or_, bad) if bad else None


def leaves_of(values: pl.Series, wanted: pl.DataType) -> list[tuple[pl.Series, pl.DataType]]:
    """Returns the plain columns that a column consists of, each with its wanted type."""
    dtype, inside = values.dtype, parts(wanted)
    if not inside:
        return [(values, wanted)]
    if isinstance(dtype, (pl.List, pl.Array)):
        return leaves_of(values.explode(), inside["element"])
    if isinstance(dtype, pl.Map):
        keys_and_values = values.to_frame("it").select(key=pl.col("it").map.keys(), value=pl.col("it").map.values())
        return [leaf for part in keys_and_values for leaf in leaves_of(part.explode(), inside[part.name])]
    return [leaf for field in values.struct.unnest().get_columns() for leaf in leaves_of(field, inside[field.name])]
