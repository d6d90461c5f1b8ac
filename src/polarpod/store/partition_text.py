"""Parses partition values from their text in paths, logs and declarations.

Each reader accepts a text that denotes exactly one value of its type and raises ValueError for any other: an unreadable
text must not end as "no partition matches".
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation

from polarpod.contract.param import read_date

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_REAL = re.compile(r"[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)
# Python drops digits below a microsecond silently
_TOO_FINE = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
_DELTA_DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")
_DELTA_INTEGERS = {"byte": 8, "short": 16, "integer": 32, "long": 64}


def read_moment(text: str, *, zoned: bool) -> dt.datetime:
    """A datetime. For a zoned column a text without a zone is in UTC; for any other column a text with a zone is invalid."""
    if _TOO_FINE.search(text):
        raise ValueError(text)
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC) if zoned else moment
    if not zoned:
        raise ValueError(text)
    return moment


def read_boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def read_integer(text: str, *, lowest: int, highest: int) -> int:
    if not _INTEGER.fullmatch(text) or not lowest <= (value := int(text)) <= highest:
        raise ValueError(text)
    return value


def read_decimal(text: str, *, precision: int, scale: int) -> Decimal:
    """The value at the column's scale; a text that would be rounded raises ValueError."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    exact = Context(prec=precision, traps=[Inexact, InvalidOperation])
    try:
        return Decimal(text).quantize(Decimal(1).scaleb(-scale), context=exact)
    except DecimalException:
        raise ValueError(text) from None


def read_real(text: str, *, single: bool) -> float:
    """A float; for a single-precision column the nearest representable one, as writers store it."""
    if not _DECIMAL.fullmatch(text) and not _REAL.fullmatch(text):
        raise ValueError(text)
    if not single:
        return float(text)
    try:
        return float(struct.unpack("f", struct.pack("f", float(text)))[0])
    except OverflowError:
        raise ValueError(text) from None


def read_delta(text: str, kind: str) -> object:
    """The value that a text denotes in a Delta partition column.

    Args:
        kind: the column's type as the Delta protocol names it.

    Raises:
        ValueError: the text denotes no value of that type.
    """
    if kind in _DELTA_INTEGERS:
        half = 2 ** (_DELTA_INTEGERS[kind] - 1)
        return read_integer(text, lowest=-half, highest=half - 1)
    if found := _DELTA_DECIMAL.fullmatch(kind):
        return read_decimal(text, precision=int(found[1]), scale=int(found[2]))
    if kind in _DELTA:
        return _DELTA[kind](text)
    raise ValueError(f"a partition of type {kind} cannot be chosen by a text")


_DELTA: dict[str, Callable[[str], object]] = {
    "date": read_date,
    "timestamp": lambda text: read_moment(text, zoned=True),
    "timestamp_ntz": lambda text: read_moment(text, zoned=False),
    "boolean": read_boolean,
    "float": lambda text: read_real(text, single=True),
    "double": lambda text: read_real(text, single=False),
    "string": str,
}


def is_same(wanted: object, found: object) -> bool:
    """Whether two partition values are equal; NaN equals NaN."""
    return wanted == found or (wanted != wanted and found != found)  # noqa: PLR0124  # what only NaN does


def is_misspelled(value: object) -> bool:
    """Whether deltalake, up to 1.6, writes this partition value in a form that no reader parses."""
    return isinstance(value, Decimal) and value < 0 and value % 1 != 0
