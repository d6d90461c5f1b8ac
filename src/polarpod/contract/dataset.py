"""Where a job reads from and where it publishes.

One class a format, used on both sides of a job. As an input it is a place to scan; as an output it also says how one
run's rows meet the rows that are already there: `replace`, `append` or `merge`, exactly one of them.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from polarpod.contract.param import Scalar
from polarpod.contract.placeholders import placeholders, render, render_partition, render_path, render_sql
from polarpod.contract.verdict import Category, PolarpodError

Schema: TypeAlias = dict[str, str]


class Parquet(msgspec.Struct, frozen=True, tag="parquet", tag_field="format", forbid_unknown_fields=True):
    """Parquet files, found by a URI with globs; a directory published by polarpod is read through its manifest.

    Attributes:
        uri: local path or s3:// URI; may hold {placeholders} and, as an input, globs.
        schema: column name -> Polars type; as an input, files may lack or add columns against it and narrower
            numbers are widened, where no value is rounded by it. Without it every file must have the first file's schema.
        hive: whether `key=value` folders are columns; None: those below the input's URI are, True: those that it names
            too. Their values are text, unless all of a column read back exactly as they are written; `schema` can name
            their type.
        allow_empty: whether no rows at all is an acceptable input.
        replace: as an output: the partition this run owns, column -> template.
        append: as an output: add this run's rows once.
        partition_by: as an output: one folder a distinct value of these columns.
    """

    uri: str
    schema: Schema | None = None
    hive: bool | None = None
    allow_empty: bool = False
    replace: dict[str, str] | None = None
    append: bool = False
    partition_by: list[str] = []


class Csv(msgspec.Struct, frozen=True, tag="csv", tag_field="format", forbid_unknown_fields=True):
    """CSV files with a header, as RFC 4180 has them: in UTF-8, fields with separators, quotes or line breaks in quotes.

    Attributes:
        uri: local path or s3:// URI, with globs and {placeholders}.
        schema: column name -> Polars type, matched by name; without it a column is a number or a boolean where all rows of
            all files are spelled as one, and text otherwise.
        separator: the one byte between fields.
        null_values: texts that mean "no value", besides the empty field.
        allow_empty: whether no rows at all is an acceptable input.
    """

    uri: str
    schema: Schema | None = None
    separator: str = ","
    null_values: list[str] = []
    allow_empty: bool = False


class NdJson(msgspec.Struct, frozen=True, tag="ndjson", tag_field="format", forbid_unknown_fields=True):
    """Newline-delimited JSON objects, in UTF-8.

    Attributes:
        uri: local path or s3:// URI, with globs and {placeholders}.
        schema: column name -> Polars type; keys beyond it are left out. Without it every key of every row is a column, and
            its values have to be of one type.
        allow_empty: whether no rows at all is an acceptable input.
    """

    uri: str
    schema: Schema | None = None
    allow_empty: bool = False


class Delta(msgspec.Struct, frozen=True, tag="delta", tag_field="format", forbid_unknown_fields=True):
    """A Delta table.

    Attributes:
        uri: the table's root, local path or s3:// URI, with {placeholders}.
        version: as an input: the version to read; the launcher pins the newest when None.
        where: as an input: a partition to read, column -> template; the other partitions' files are never opened.
        allow_empty: whether no rows at all is an acceptable input.
        replace: as an output: what this run owns and overwrites: column -> template for a partition ({} for the whole
            table), or a SQL predicate with {placeholders}, each of which becomes a literal.
        append: as an output: add this run's rows once.
        merge: as an output: the key columns; rows with a known key are updated, the others inserted.
        partition_by: as an output: partition columns of a new table; defaults to the columns of `replace`.
    """

    uri: str
    version: int | None = None
    where: dict[str, str] | None = None
    allow_empty: bool = False
    replace: dict[str, str] | str | None = None
    append: bool = False
    merge: list[str] | None = None
    partition_by: list[str] = []


Input: TypeAlias = Parquet | Csv | NdJson | Delta
Output: TypeAlias = Parquet | Delta
Dataset: TypeAlias = Input


def takes_globs(dataset: Dataset) -> bool:
    """Whether *, ? and [ in an input's place stand for other characters."""
    return not isinstance(dataset, Delta)


def publish_mode(output: Output) -> str:
    """ "replace", "append" or "merge". Raises PolarpodError where the output does not say exactly one."""
    merge = output.merge if isinstance(output, Delta) else None
    modes = [
        name
        for name, given in (
            ("replace", output.replace is not None),
            ("append", output.append),
            ("merge", merge is not None),
        )
        if given
    ]
    if len(modes) != 1:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"the output {output.uri!r} must say how its rows are published, in exactly one way",
            evidence=[f"given: {', '.join(modes) or 'nothing'}"],
            remedy='Use replace={"ds": "{ds}"} for the partition a run owns, append=True, or merge=["key"] (Delta only).',
        )
    return modes[0]


def check_input(name: str, dataset: Dataset) -> None:
    """Raises PolarpodError where an input carries words that only an output may have."""
    if isinstance(dataset, (Parquet, Delta)):
        merge = dataset.merge if isinstance(dataset, Delta) else None
        if dataset.replace is not None or dataset.append or merge is not None or dataset.partition_by:
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"input {name!r} says how it is published",
                remedy="replace, append, merge and partition_by belong on the output.",
            )
    if isinstance(dataset, Csv) and not _is_separator(dataset.separator):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"input {name!r} has a separator that is not one byte, or cannot be one",
            evidence=[f"separator = {dataset.separator!r}"],
            remedy='Use a single-byte separator such as "," or "\\t".',
        )


def _is_separator(text: str) -> bool:
    """Whether a text can separate fields: one byte, and none that quotes or line ends are made of."""
    return len(text) == 1 and text.isascii() and text not in '"\r\n\0'


def check_output(output: Output) -> None:
    """Raises PolarpodError where an output cannot be published as declared."""
    publish_mode(output)
    if any(mark in output.uri for mark in "*?["):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"the output {output.uri!r} has a glob",
            remedy="Name one table or directory.",
        )
    if isinstance(output.replace, dict) and output.partition_by:
        strays = [column for column in output.replace if column not in output.partition_by]
        if strays:
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"the output {output.uri!r} replaces by {', '.join(strays)}, which partition_by lacks",
                evidence=[f"partition_by = {output.partition_by}"],
                remedy="Add the column to partition_by, or replace by a predicate written as text.",
            )
    for words, columns in (("partition_by", output.partition_by), ("merge", getattr(output, "merge", None) or [])):
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"the output {output.uri!r} names {', '.join(twice)} twice in {words}",
                evidence=[f"{words} = {columns}"],
                remedy="Name each column once.",
            )
    if isinstance(output, Delta) and output.merge is not None and not output.merge:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"the output {output.uri!r} merges on no key",
            remedy='Name the key columns: merge=["id"].',
        )


def partition_columns(output: Output) -> list[str]:
    """The partition columns of an output: stated, or those of its `replace`."""
    if output.partition_by:
        return list(output.partition_by)
    return list(output.replace) if isinstance(output.replace, dict) else []


def templates(dataset: Dataset) -> list[str]:
    """Every template of a dataset, so that a caller can ask which parameters it needs."""
    found = [dataset.uri]
    if isinstance(dataset, (Parquet, Delta)):
        if isinstance(dataset.replace, dict):
            found += dataset.replace.values()
        elif dataset.replace is not None:
            found.append(dataset.replace)
    if isinstance(dataset, Delta) and dataset.where:
        found += dataset.where.values()
    return found


def needs(dataset: Dataset) -> list[str]:
    return list(dict.fromkeys(name for template in templates(dataset) for name in placeholders(template)))


def resolve(dataset: Dataset, values: dict[str, Scalar], variables: dict[str, str]) -> Dataset:
    """The dataset with every template filled in from a run's parameters and its plane's variables.

    Raises:
        PolarpodError: a parameter's value does not fit where it stands.
    """
    known: dict[str, Scalar] = {**variables, **values}
    uri = render_path(dataset.uri, variables, values, is_url=isinstance(dataset, Delta))
    resolved: Dataset = msgspec.structs.replace(dataset, uri=uri)
    if isinstance(resolved, (Parquet, Delta)):
        if isinstance(resolved.replace, dict):
            owned = resolved.replace.items()
            filled = {column: render_partition(column, template, variables, values) for column, template in owned}
            resolved = msgspec.structs.replace(resolved, replace=filled)
        elif isinstance(resolved.replace, str):
            resolved = msgspec.structs.replace(resolved, replace=render_sql(resolved.replace, known))
    if isinstance(resolved, Delta) and resolved.where:
        where = {column: render(template, known) for column, template in resolved.where.items()}
        resolved = msgspec.structs.replace(resolved, where=where)
    return resolved
