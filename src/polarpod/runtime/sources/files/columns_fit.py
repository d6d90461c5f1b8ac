"""Checks of Parquet columns by their types against the declared ones, without reading rows."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.sources.footers import Footer
from polarpod.runtime.types.dtype import describe, parts

# The most digits of a Polars decimal. Polars opens a file with more, then fails at the first use of the column.
_DIGITS = 38
# The zone that Polars assumes when it casts a datetime without a zone to one with a zone, or the reverse.
_UTC = "UTC"


def refuse_other_case(name: str, file: str, footer: Footer, schema: dict[str, pl.DataType]) -> None:
    """Raises PolarpodError where a file has a declared column in another case: Polars would read the column as missing, so
    null."""
    undeclared = {column.casefold(): column for column in footer.schema if column not in schema}
    for column in schema:
        if column not in footer.schema and (other := undeclared.get(column.casefold())):
            raise PolarpodError(
                Category.INPUT_MISMATCH,
                f"a file of input {name!r} has column {other!r} where {column!r} is declared",
                evidence=[f"{file}: {other!r} is {describe(footer.schema[other])}"],
                remedy="Deliver the files with one spelling, or declare both columns and unite them in the transform.",
            )


def refuse_too_precise(name: str, file: str, schema: Mapping[str, pl.DataType]) -> None:
    """Raises PolarpodError for decimals that Polars can open but neither compute with nor cast nor store."""
    for column, dtype in schema.items():
        if _is_too_precise(dtype):
            raise PolarpodError(
                Category.INPUT_MISMATCH,
                f"column {column!r} of input {name!r} is {describe(dtype)}, and Polars has no decimals of more than "
                f"{_DIGITS} digits",
                evidence=[f"{file}: {column} is {describe(dtype)}"],
                remedy=f"Deliver the column as a decimal of at most {_DIGITS} digits, or as text. Where the job does not "
                "need it, declare the input's schema without it.",
            )


def _is_too_precise(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.Decimal):
        return dtype.precision > _DIGITS
    return any(map(_is_too_precise, parts(dtype).values()))


def refuse_other_clock(name: str, file: str, footer: Footer, schema: Mapping[str, pl.DataType]) -> None:
    """Raises PolarpodError where the declared type has a time zone and a file has none, or the reverse.

    Polars would read the datetimes as UTC, which is right only where UTC is declared.
    """
    for column, wanted in schema.items():
        found = footer.schema.get(column)
        if found is not None and (clash := _clash(found, wanted)) and _UTC not in clash:
            raise PolarpodError(
                Category.INPUT_MISMATCH,
                f"column {column!r} of input {name!r} is {describe(found)}, not {describe(wanted)}: one of them has no time "
                "zone",
                evidence=[f"{file}: {column} is {describe(found)}"],
                remedy="Declare the column as it is stored, and give it the zone in the transform (dt.replace_time_zone), "
                "or take it away there.",
            )


def refuse_mixed_clocks(name: str, files: list[str], footers: list[Footer]) -> None:
    """Raises PolarpodError where some files have a column with a time zone and others without: Polars reads them as one."""
    first = footers[0].schema
    for file, footer in zip(files, footers, strict=True):
        for column, wanted in first.items():
            found = footer.schema.get(column)
            if found is not None and _clash(found, wanted):
                raise PolarpodError(
                    Category.INPUT_MISMATCH,
                    f"column {column!r} of input {name!r} has a time zone in some files and none in others",
                    evidence=[f"{files[0]}: {column} is {describe(wanted)}", f"{file}: {column} is {describe(found)}"],
                    remedy="Deliver the column in one type. Where the moments without a zone are those of UTC, declare the "
                    "column in the input's schema as Datetime[us, UTC].",
                )


def _clash(found: pl.DataType, wanted: pl.DataType) -> set[str]:
    """Returns the time zones of one type where the other type has a datetime without a zone; empty without a clash."""
    if isinstance(found, pl.Datetime) and isinstance(wanted, pl.Datetime):
        zones = {found.time_zone, wanted.time_zone}
        return {zone for zone in zones if zone} if None in zones else set()
    inside, stored = parts(wanted), parts(found)
    return {zone for part, dtype in inside.items() if part in stored for zone in _clash(stored[part], dtype)}
