"""Parameters: the only words a caller may put into a run."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from polarpod.contract.verdict import Category, PolarpodError

Scalar: TypeAlias = str | int | float | bool

# Half a surrogate pair: a byte of the command line that was no UTF-8. No document can hold it.
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
# A parameter says what to do, it does not carry data. Ten thousand words of SQL fit; the context that carries all of them
# to the worker has at most a mebibyte, and a predicate repeats them.
LONGEST_TEXT = 64 * 1024


class Param(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parameter of a job.

    Attributes:
        type: what its text must read as.
        default: used where the caller gives none; None means the caller must give one.
        doc: one line for `polarpod jobs`.
    """

    type: Literal["str", "int", "float", "bool", "date"] = "str"
    default: str | int | float | bool | None = None
    doc: str = ""


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_PARSERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": _boolean,
    "date": dt.date.fromisoformat,
}


def typed(name: str, param: Param, text: Scalar) -> object:
    """The value a job function receives for one parameter. Raises PolarpodError where the text does not read as its type."""
    raw = str(text).lower() if isinstance(text, bool) else str(text)
    try:
        return _PARSERS[param.type](raw)
    except (ValueError, KeyError):
        hint = ' (write it as "2013-02-01")' if param.type == "date" else ""
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"parameter {name!r} must be a {param.type}{hint}",
            evidence=[f"{name} = {raw[:100]!r}"],
            remedy=f"Pass a {param.type} for {name!r}.",
        ) from None


def spelling(value: object) -> str:
    """The one way a typed value is written in paths, keys and predicates."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def check_texts(values: Mapping[str, Scalar]) -> None:
    """Raises PolarpodError where a parameter's value is no text, or is too long to be carried to a worker."""
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
