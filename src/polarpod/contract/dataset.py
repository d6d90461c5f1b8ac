"""Datasets: the places a job reads from and publishes to.

One class for each format (`contract/formats`), for inputs and outputs. An output also declares how a run's rows are
combined with existing rows: exactly one of `replace`, `append` and `merge`.
"""

from __future__ import annotations

from typing import TypeAlias

from polarpod.contract.formats.csv import Csv
from polarpod.contract.formats.delta import Delta
from polarpod.contract.formats.format import InputFormat
from polarpod.contract.formats.ndjson import NdJson
from polarpod.contract.formats.parquet import Parquet
from polarpod.contract.formats.publishing import refuse_twice
from polarpod.contract.placeholders import placeholders
from polarpod.contract.verdict import Category, PolarpodError

__all__ = ["Csv", "Dataset", "Delta", "Input", "NdJson", "Output", "Parquet"]

# unions, not protocols: a decoder needs the classes that a document may hold
Input: TypeAlias = Parquet | Csv | NdJson | Delta
Output: TypeAlias = Parquet | Delta
Dataset: TypeAlias = Input


def format_of(dataset: InputFormat) -> str:
    """The format's name as written in documents, such as "parquet"."""
    return type(dataset).__name__.lower()


def publish_mode(output: Output) -> str:
    """ "replace", "append" or "merge". Raises PolarpodError where the output does not declare exactly one."""
    modes = output.modes()
    if len(modes) != 1:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"the output {output.uri!r} must say how its rows are published, in exactly one way",
            evidence=[f"given: {', '.join(modes) or 'nothing'}"],
            remedy='Use replace={"ds": "{ds}"} for the partition a run owns, append=True, or merge=["key"] (Delta only).',
        )
    return modes[0]


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
    refuse_twice(output.uri, "partition_by", output.partition_by)
    output.check_as_output()


def partition_columns(output: Output) -> list[str]:
    """The partition columns of an output: `partition_by`, or else those of its `replace`."""
    if output.partition_by:
        return list(output.partition_by)
    return list(output.replace) if isinstance(output.replace, dict) else []


def needs(dataset: Dataset) -> list[str]:
    """Names of the parameters and variables in a dataset's templates, in order of first appearance."""
    return list(dict.fromkeys(name for template in dataset.templates() for name in placeholders(template)))
