"""Columns from an input's `key=value` folders: their names, values and types.

By default Polars reads `007` as 7 and both `1.10` and `1.1` as one number, and takes columns from folders above the input.
Here a value is its text as written, unless every value of its column formats back to exactly that text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection
from typing import NamedTuple
from urllib.parse import unquote

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError

# Hive's folder value for null.
NULL = "__HIVE_DEFAULT_PARTITION__"
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_REAL = re.compile(r"-?[0-9]+\.[0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?")


class Part(NamedTuple):
    """One `key=value` folder, as written (percent-encoded)."""

    key: str
    value: str

    @property
    def column(self) -> str:
        return unquote(self.key)

    @property
    def text(self) -> str | None:
        return None if self.value == NULL else unquote(self.value)

    @property
    def is_plain(self) -> bool:
        """Whether Polars reads the same column and value from it."""
        return self.key == self.column and "=" not in self.value and "\ufffd" not in unquote(self.value)


def parts(path: str) -> list[Part]:
    """Returns the `key=value` folders of a file's path."""
    *folders, _ = path.split("/")
    return [Part(key, value) for folder in folders for key, mark, value in [folder.partition("=")] if key and mark]


def text_of(found: list[Part], column: str) -> str | None:
    return next(part.text for part in found if part.column == column)


def is_plain(found: list[Part]) -> bool:
    """Whether Polars reads the same columns and values from a path with these folders."""
    return all(part.is_plain for part in found) and len({part.key for part in found}) == len(found)


def columns_of(name: str, folders: dict[str, list[Part]]) -> list[str]:
    """Returns the columns from the folders of all files, in order of first appearance.

    Raises:
        PolarpodError: `input_mismatch` where a file does not have each of them exactly once.
    """
    columns = list(dict.fromkeys(part.column for found in folders.values() for part in found))
    for file, found in folders.items():
        own = [part.column for part in found]
        if len(set(own)) < len(own):
            twice = next(column for column in own if own.count(column) > 1)
            raise _disagree(name, f"a file has two folders for column {twice!r}", file)
        if missing := next((column for column in columns if column not in own), None):
            raise _disagree(name, f"a file has no folder for column {missing!r}, which other files have", file)
    return columns


def _disagree(name: str, what: str, file: str) -> PolarpodError:
    return PolarpodError(
        Category.INPUT_MISMATCH,
        f"the folders of input {name!r} disagree: {what}",
        evidence=[file],
        remedy="Move the file to where the others are, name the files with a glob, or declare the input with hive=False if "
        "its folders make no columns.",
    )


def type_of(texts: Collection[str | None]) -> pl.DataType:
    """Returns a column's type by the texts of its values: String, unless another type formats each of them exactly so."""
    known = {text for text in texts if text is not None}
    for dtype, is_exact in _EXACT:
        if known and all(is_exact(text) for text in known):
            return dtype
    # A datetime with a fraction and one without have different text forms.
    if (
        known
        and len({match and len(match[0]) for match in map(_MOMENT.fullmatch, known)} - {None}) == 1
        and all(map(_is_moment, known))
    ):
        return pl.Datetime("us")
    return pl.String()


def _is_integer(text: str) -> bool:
    return bool(_INTEGER.fullmatch(text)) and _LOWEST <= int(text) <= _HIGHEST


def _is_real(text: str) -> bool:
    return bool(_REAL.fullmatch(text)) and repr(float(text)) == text


def _is_date(text: str) -> bool:
    return bool(_DATE.fullmatch(text)) and _reads(dt.date.fromisoformat, text)


def _is_moment(text: str) -> bool:
    return bool(_MOMENT.fullmatch(text)) and _reads(dt.datetime.fromisoformat, text)


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


_EXACT = (
    (pl.Int64(), _is_integer),
    (pl.Boolean(), lambda text: text in ("true", "false")),
    (pl.Date(), _is_date),
    (pl.Float64(), _is_real),
)
