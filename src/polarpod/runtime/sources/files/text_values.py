"""Exact conversion of texts to values of a declared type.

Polars' own conversions round decimals, guess the order of day and month, drop offsets and wrap far dates. Here a text fits
a type only if the type holds its value exactly and the text is unambiguous.
"""

from __future__ import annotations

import polars as pl

# All patterns use [0-9]: \d matches the digits of every script, which no conversion accepts.
# Dates and times of day as in ISO 8601 and every database. Polars has neither 24:00 nor leap seconds.
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.{fraction})?)?"
_OFFSET = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
# The digits of a second that a unit holds; further zeros are accepted.
_FRACTION = {"ms": r"[0-9]{1,3}0*", "us": r"[0-9]{1,6}0*", "ns": r"[0-9]{1,9}0*"}
# Whole years within the range of an Int64 of nanoseconds: 1677-09-21 to 2262-04-11.
_FIRST_NS, _LAST_NS = "1678", "2261"

# The digits of the smallest integers that a float type may not hold exactly: those beyond 2**24 and 2**53.
_INTEGER_DIGITS: dict[type[pl.DataType], int] = {pl.Float32: len(str(2**24)), pl.Float64: len(str(2**53))}

# Types that Polars' CSV parsers read exactly or refuse.
NATIVE = (pl.Boolean, pl.String, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)


def readable(dtype: pl.DataType) -> bool:
    """Whether a text can represent values of this type."""
    return isinstance(dtype, (*NATIVE, pl.Float32, pl.Float64, pl.Decimal, pl.Date, pl.Datetime, pl.Time))


def fits(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Returns an expression: whether a text is a value of the type; null for null."""
    if isinstance(dtype, pl.String):
        return text.is_not_null()
    if isinstance(dtype, pl.Boolean):
        return text.str.contains("^(?:true|True|TRUE|false|False|FALSE)$")
    if dtype.is_float():
        # "inf" is a value; a number that parses to infinity is too large for the type. Only "inf" and "nan" contain an n.
        value = text.cast(dtype, strict=False)
        reached = value.is_finite() | value.is_nan() | text.str.contains("(?i)n")
        return value.is_not_null() & reached & ~_rounded(text, value, dtype)
    if isinstance(dtype, pl.Decimal):
        # Exponents are refused: the text does not show whether they round.
        whole = dtype.precision - dtype.scale
        digits = text.str.contains(rf"^[+-]?0*[0-9]{{0,{whole}}}(?:\.[0-9]{{0,{dtype.scale}}}0*)?$")
        return digits & text.cast(dtype, strict=False).is_not_null()
    if isinstance(dtype, pl.Date):
        return text.str.contains(f"^{_DAY}$") & text.str.to_date("%Y-%m-%d", strict=False).is_not_null()
    if isinstance(dtype, pl.Time):
        return text.str.contains(f"^{_CLOCK.format(fraction=_FRACTION['ns'])}$")
    if isinstance(dtype, pl.Datetime):
        clock = _CLOCK.format(fraction=_FRACTION[dtype.time_unit])
        offset = f"{_OFFSET}?" if dtype.time_zone else ""
        shape = text.str.contains(f"^{_DAY}(?:[T ]{clock}{offset})?$")
        year = text.str.slice(0, 4)
        within = year.is_between(pl.lit(_FIRST_NS), pl.lit(_LAST_NS)) if dtype.time_unit == "ns" else pl.lit(True)
        return shape & within & _moment(text, dtype).is_not_null()
    return text.cast(dtype, strict=False).is_not_null()


def _rounded(text: pl.Expr, value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Returns an expression: whether a text is an integer, without point or exponent, that the float type does not hold
    exactly. A rounded key is a different key; a fraction is read as the nearest float, as usual."""
    long = text.str.len_bytes() >= _INTEGER_DIGITS[type(dtype)]
    # An integer beyond Int128 cannot be compared and counts as rounded.
    exact = (text.cast(pl.Int128, strict=False) == value.cast(pl.Int128, strict=False)).fill_null(False)
    return long & text.str.contains("^[+-]?[0-9]+$") & ~exact


def unfit(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Returns an expression: whether a text is neither a value of the type nor empty. Empty quotes count as empty, except
    for a String."""
    trimmed = _trimmed(text)
    return text.is_not_null() & (trimmed != "") & ~fits(trimmed, dtype)


def convert(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Returns an expression: the text as a value of the type. The query fails for any other text, with a conversion error
    that quotes it.

    A native Polars expression, so that projections and filters are still pushed into the scan.
    """
    trimmed = _trimmed(text)
    # No type has a value with this prefix.
    refused = pl.concat_str(pl.lit("not a value: "), text)
    accepted = pl.when(unfit(text, dtype)).then(refused).when(trimmed != "").then(trimmed)
    if isinstance(dtype, pl.Date):
        return accepted.str.to_date("%Y-%m-%d", strict=True)
    if isinstance(dtype, pl.Time):
        return _seconds(accepted).str.to_time("%H:%M:%S%.f", strict=True)
    if isinstance(dtype, pl.Datetime):
        return _moment(accepted, dtype, strict=True)
    return accepted.cast(dtype, strict=True)


def _trimmed(text: pl.Expr) -> pl.Expr:
    """Returns the text without leading blanks, which some writers add after a separator; Polars' number parsers skip them
    too."""
    return text.str.strip_chars_start(" \t")


def _seconds(text: pl.Expr) -> pl.Expr:
    """Returns HH:MM as HH:MM:00; other texts unchanged."""
    return pl.when(text.str.len_bytes() == len("HH:MM")).then(pl.concat_str(text, pl.lit(":00"))).otherwise(text)


def _moment(text: pl.Expr, dtype: pl.Datetime, *, strict: bool = False) -> pl.Expr:
    """Returns a date and time as a datetime, in the type's zone where the text has no offset. Null where the zone's clock
    skips or repeats that time."""
    day, clock = text.str.slice(0, 10), text.str.slice(11)
    offset = clock.str.extract(f"({_OFFSET})$", 1)
    bare = clock.str.replace(f"{_OFFSET}$", "") if dtype.time_zone else clock
    bare = pl.when(bare == "").then(pl.lit("00:00:00")).otherwise(_seconds(bare))
    local = pl.concat_str(day, pl.lit("T"), bare).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f", time_unit=dtype.time_unit, strict=strict
    )
    if dtype.time_zone is None:
        return local
    unique = local.dt.replace_time_zone(dtype.time_zone, ambiguous="null", non_existent="null")
    hours, minutes = offset.str.slice(0, 3).cast(pl.Int64, strict=False), offset.str.slice(-2).cast(pl.Int64, strict=False)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    ahead = pl.duration(minutes=hours.fill_null(0) * 60 + sign * minutes.fill_null(0), time_unit=dtype.time_unit)
    instant = (local - ahead).dt.replace_time_zone("UTC").dt.convert_time_zone(dtype.time_zone)
    return pl.when(offset.is_null()).then(unique).otherwise(instant)


def inferred(text: pl.Expr) -> dict[str, pl.Expr]:
    """Returns type name -> expression: whether every value of the column formats back to its text. The best type is first.

    Floats have two text forms, 3.0 and 3; a column may use one of them.
    """
    number = text.cast(pl.Float64, strict=False)
    # Beyond 15 digits two texts may be the same number.
    back = pl.when(text.str.len_bytes() <= 16).then(number.cast(pl.String))
    return {
        "Null": text.is_null().all(),
        "Int64": _is(text, text.cast(pl.Int64, strict=False).cast(pl.String)),
        "Float64": _is(text, back) | _is(text, back.str.strip_suffix(".0")),
        "Boolean": (text.is_null() | text.is_in(["true", "false"])).all(),
    }


def _is(text: pl.Expr, back: pl.Expr) -> pl.Expr:
    return text.eq_missing(back).all()
