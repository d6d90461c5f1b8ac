"""Newline-delimited JSON."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from polarpod.contract.param import Scalar
from polarpod.contract.placeholders import render_path
from polarpod.contract.schema import Schema


class NdJson(msgspec.Struct, frozen=True, tag="ndjson", tag_field="format", forbid_unknown_fields=True):
    """Newline-delimited JSON objects, in UTF-8.

    Attributes:
        uri: local path or s3:// URI, with globs and {placeholders}.
        schema: column name -> Polars type; other keys are left out. Without it every key of every row is a column, and
            its values must be of one type.
        allow_empty: whether an input without rows is accepted.
    """

    source: ClassVar[str] = "files"
    takes_globs: ClassVar[bool] = True
    has_footers: ClassVar[bool] = False
    versioned: ClassVar[bool] = False

    uri: str
    schema: Schema | None = None
    allow_empty: bool = False

    def templates(self) -> list[str]:
        return [self.uri]

    def resolve(self, values: dict[str, Scalar], variables: dict[str, str]) -> Self:
        return msgspec.structs.replace(self, uri=render_path(self.uri, variables, values))

    def check_as_input(self, name: str) -> None:
        """Accepts every declared dataset."""
