"""Shared by the formats of outputs: resolves `replace` and `partition_by`, and refuses them on an input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polarpod.contract.param import Scalar
from polarpod.contract.placeholders import render_partition
from polarpod.contract.verdict import Category, PolarpodError

if TYPE_CHECKING:
    from polarpod.contract.formats.format import OutputFormat


def replace_templates(replace: dict[str, str] | None) -> list[str]:
    return list((replace or {}).values())


def owned_partition(
    replace: dict[str, str] | None, values: dict[str, Scalar], variables: dict[str, str]
) -> dict[str, str] | None:
    """The partition that a run owns: column -> value as text."""
    if replace is None:
        return None
    return {column: render_partition(column, template, variables, values) for column, template in replace.items()}


def refuse_publishing(name: str, dataset: OutputFormat) -> None:
    """Raises PolarpodError where an input has fields that only an output may have."""
    if dataset.modes() or dataset.partition_by:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"input {name!r} says how it is published",
            remedy="replace, append, merge and partition_by belong on the output.",
        )


def refuse_twice(uri: str, words: str, columns: list[str]) -> None:
    """Raises PolarpodError where a list of columns names one of them twice."""
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"the output {uri!r} names {', '.join(twice)} twice in {words}",
            evidence=[f"{words} = {columns}"],
            remedy="Name each column once.",
        )
