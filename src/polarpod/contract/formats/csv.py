"""CSV files."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from polarpod.contract.param import Scalar
from polarpod.contract.placeholders import render_path
from polarpod.contract.schema import Schema
from polarpod.contract.verdict import Category, PolarpodError


class Csv(msgspec.Struct, frozen=True, tag="csv", tag_field="format", forbid_unknown_fields=True):
    """CSV files with a header, by RFC 4180: in UTF-8; fields with separators, quotes or line breaks are quoted.

    Attributes:
        uri: local path or s3:// URI, with globs and {placeholders}.
        schema: column name -> Polars type, matched by name; without it a column is a number or a boolean where every row of
            every file parses as one, and text otherwise.
        separator: the one byte between fields.
        null_values: texts that mean "no value", besides the empty field.
        allow_empty: whether an input without rows is accepted.
    """

    source: ClassVar[str] = "files"
    takes_globs: ClassVar[bool] = True
    has_footers: ClassVar[bool] = False
    versioned: ClassVar[bool] = False

    uri: str
    schema: Schema | None = None
    separator: str = ","
    null_values: list[str] = []
    allow_empty: bool = False

    def templates(self) -> list[str]:
        return [self.uri]

    def resolve(self, values: dict[str, Scalar], variables: dict[str, str]) -> Self:
        return msgspec.structs.replace(self, uri=render_path(self.uri, variables, values))

    def check_as_input(self, name: str) -> None:
        if not _is_separator(self.separator):
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"input {name!r} has a separator that is not one byte, or cannot be one",
                evidence=[f"separator = {self.separator!r}"],
                remedy='Use a single-byte separator such as "," or "\\t".',
            )


def _is_separator(text: str) -> bool:
    """Whether a text can separate fields: one ASCII character, other than quotes, line ends and NUL."""
    return len(text) == 1 and text.isascii() and text not in '"\r\n\0'
