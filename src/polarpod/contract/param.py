"""Parameters: the only values that a caller passes to a run."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from polarpod.contract.verdict import Category, PolarpodError

Scalar: TypeAlias = str | int | float | bool

# Half a surrogate pair: a byte of the command line that is not UTF-8. No document can hold it.
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
# A parameter is not for data. Ten thousand words of SQL fit; the context, which holds all parameters, has at most a
# mebibyte, and a predicate repeats them.
LONGEST_TEXT = 64 * 1024


class Param(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parameter of a job.

    Attributes:
        type: the type its text must parse as.
        default: used where the caller passes none; None means the caller must pass one.
        doc: one line for `polarpod jobs`.
    """

    type: Literal["str", "int", "float", "bool", "date"] = "str"
    default: str | int | float | bool | None = None
    doc: str = ""


# Python's int and float also accept underscores, blanks and the digits of every script
_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
# below every Python's limit for int()
_MOST_DIGITS = 4000
# Python reads a week as its Monday
_WEEK = re.compile(r"[0-9]{4}-?W[0-9]{2}")


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("write it in the digits 0 to 9")
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"of at most {_MOST_DIGITS:,} digits")
    return int(text)


def _real(text: str) -> float:
    """The float that equals the text exactly. Raises ValueError for others: 1e400 is infinite, 9007199254740993 rounded."""
    if not _REAL.fullmatch(text):
        raise ValueError('write it as "0.5" or "1e3"')
    value = float(text)
    if not math.isfinite(value) or Decimal(repr(value)) != Decimal(text):
        raise ValueError(f"the nearest one is {value!r}")
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError('write it as "true" or "false"')
    return text.lower() == "true"


def read_date(text: str) -> dt.date:
    """The date that a text in ISO 8601 denotes. Raises ValueError for any other text, a whole week's included."""
    if _WEEK.fullmatch(text):
        raise ValueError(text)
    return dt.date.fromisoformat(text)


def _date(text: str) -> dt.date:
    try:
        return read_date(text)
    except ValueError:
        raise ValueError('write it as "2013-02-01"') from None


_READERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": _integer,
    "float": _real,
    "bool": _boolean,
    "date": _date,
}


def typed(name: str, param: Param, text: Scalar) -> object:
    """The value a job function receives for one parameter, exactly equal to the text.

    Raises:
        PolarpodError: the text does not parse as the parameter's type, or the type cannot represent it exactly.
    """
    raw = str(text).lower() if isinstance(text, bool) else str(text)
    try:
        return _READERS[param.type](raw)
    except ValueError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"parameter {name!r} must be a {param.type} ({error})",
            evidence=[f"{name} = {raw[:100]!r}"],
            remedy=f"Pass a {param.type} for {name!r}.",
        ) from None


def spelling(value: object) -> str:
    """The canonical text of a typed value, for paths, keys and predicates."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def check_texts(values: Mapping[str, Scalar]) -> None:
    """Raises PolarpodError where a parameter's value is not UTF-8, or all values together are too long for a context."""
    for name, value in values.items():
        if _NO_TEXT.search(str(value)):
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"parameter {name!r} has a value that is no text",
                evidence=[f"{name} = {str(value)[:100]!a}"],
                remedy=f"Pass {name!r} as UTF-8.",
            )
    lengths = {name: len(str(value).encode()) for name, value in values.items()}
    if (total := sum(lengths.values())) > LONGEST_TEXT:
        longest = max(lengths, key=lengths.__getitem__)
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"parameter {longest!r} is too long",
            evidence=[f"{longest} has {lengths[longest]:,} bytes in UTF-8; all have {total:,}, at most {LONGEST_TEXT:,}"],
            remedy="Pass data by its place: write it to a file, declare that as an input, and pass what names it.",
        )
