"""Parquet files, and directories of them that polarpod publishes with a manifest."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from polarpod.contract.formats.publishing import owned_partition, refuse_publishing, replace_templates
from polarpod.contract.param import Scalar
from polarpod.contract.placeholders import render_path
from polarpod.contract.schema import Schema


class Parquet(msgspec.Struct, frozen=True, tag="parquet", tag_field="format", forbid_unknown_fields=True):
    """Parquet files, found by a URI with globs; a directory published by polarpod is read through its manifest.

    Attributes:
        uri: local path or s3:// URI; may hold {placeholders} and, as an input, globs.
        schema: column name -> Polars type; as an input, files may lack columns of it or have more, and narrower numbers
            are widened where no value is rounded by it. Without it every file must have the first file's schema.
        hive: whether `key=value` folders are columns; None: those below the input's URI are; True: also those named in
            it. Their values are text, unless every value of a column reads back exactly as written; `schema` can set
            their type.
        allow_empty: whether an input without rows is accepted.
        replace: as an output: the partition this run owns, column -> template.
        append: as an output: add this run's rows once.
        partition_by: as an output: one folder for each distinct value of these columns.
    """

    source: ClassVar[str] = "files"
    takes_globs: ClassVar[bool] = True
    has_footers: ClassVar[bool] = True
    versioned: ClassVar[bool] = False
    publisher: ClassVar[str] = "parquet"
    metadata_folder: ClassVar[str] = "_polarpod"
    record: ClassVar[str] = "manifest"

    uri: str
    schema: Schema | None = None
    hive: bool | None = None
    allow_empty: bool = False
    replace: dict[str, str] | None = None
    append: bool = False
    partition_by: list[str] = []

    def templates(self) -> list[str]:
        return [self.uri, *replace_templates(self.replace)]

    def resolve(self, values: dict[str, Scalar], variables: dict[str, str]) -> Self:
        return msgspec.structs.replace(
            self,
            uri=render_path(self.uri, variables, values),
            replace=owned_partition(self.replace, values, variables),
        )

    def check_as_input(self, name: str) -> None:
        refuse_publishing(name, self)

    def modes(self) -> list[str]:
        return [mode for mode, given in (("replace", self.replace is not None), ("append", self.append)) if given]

    def check_as_output(self) -> None:
        """Accepts every declared dataset."""
