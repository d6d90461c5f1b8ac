"""Delta tables."""

from __future__ import annotations

from typing import ClassVar, Self

import msgspec

from polarpod.contract.formats.publishing import owned_partition, refuse_publishing, refuse_twice, replace_templates
from polarpod.contract.param import Scalar
from polarpod.contract.placeholders import render, render_path, render_sql
from polarpod.contract.verdict import Category, PolarpodError


class Delta(msgspec.Struct, frozen=True, tag="delta", tag_field="format", forbid_unknown_fields=True):
    """A Delta table.

    Attributes:
        uri: the table's root, local path or s3:// URI, with {placeholders}.
        version: as an input: the version to read; the launcher pins the newest when None.
        where: as an input: a partition to read, column -> template; the files of other partitions are not opened.
        allow_empty: whether an input without rows is accepted.
        replace: as an output: what this run owns and overwrites: column -> template for a partition ({} for the whole
            table), or a SQL predicate with {placeholders}, each of which becomes a literal.
        append: as an output: add this run's rows once.
        merge: as an output: the key columns; rows with an existing key are updated, the others inserted.
        partition_by: as an output: partition columns of a new table; defaults to the columns of `replace`.
    """

    source: ClassVar[str] = "delta"
    takes_globs: ClassVar[bool] = False
    has_footers: ClassVar[bool] = True
    versioned: ClassVar[bool] = True
    publisher: ClassVar[str] = "delta"
    metadata_folder: ClassVar[str] = "_delta_log"
    record: ClassVar[str] = "Delta table"

    uri: str
    version: int | None = None
    where: dict[str, str] | None = None
    allow_empty: bool = False
    replace: dict[str, str] | str | None = None
    append: bool = False
    merge: list[str] | None = None
    partition_by: list[str] = []

    def templates(self) -> list[str]:
        replaced = [self.replace] if isinstance(self.replace, str) else replace_templates(self.replace)
        return [self.uri, *replaced, *(self.where or {}).values()]

    def resolve(self, values: dict[str, Scalar], variables: dict[str, str]) -> Self:
        known: dict[str, Scalar] = {**variables, **values}
        if isinstance(self.replace, str):
            replace: dict[str, str] | str | None = render_sql(self.replace, known)
        else:
            replace = owned_partition(self.replace, values, variables)
        where = {column: render(template, known) for column, template in (self.where or {}).items()}
        return msgspec.structs.replace(
            self,
            # deltalake decodes percent escapes
            uri=render_path(self.uri, variables, values, is_url=True),
            replace=replace,
            where=where if self.where else self.where,
        )

    def check_as_input(self, name: str) -> None:
        refuse_publishing(name, self)

    def modes(self) -> list[str]:
        given = (("replace", self.replace is not None), ("append", self.append), ("merge", self.merge is not None))
        return [mode for mode, is_given in given if is_given]

    def check_as_output(self) -> None:
        refuse_twice(self.uri, "merge", self.merge or [])
        if self.merge is not None and not self.merge:
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"the output {self.uri!r} merges on no key",
                remedy='Name the key columns: merge=["id"].',
            )
