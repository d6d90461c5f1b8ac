"""The interface of a publisher, which commits an output of one format. Code outside its folder uses only this interface.

A publisher depends on staged files and Arrow columns, not on an engine. A format names its publisher (`contract/formats`),
which is imported only for a job with such an output.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Protocol

from polarpod.contract.formats.format import OutputFormat
from polarpod.contract.receipt import CheckResult, Published
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.runtime.publish.table_rules import TableRules


class Columns(Protocol):
    """Columns by name and type: an Arrow stream without rows, by Arrow's PyCapsule interface, such as an empty frame.

    https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Demands(NamedTuple):
    """A table's requirements for the rows of a run.

    Attributes:
        rules: the rules for every row.
        written_back: the table's partition columns where its library reads the rows back and writes them again; None where
            they stay in the staged files.
    """

    rules: TableRules
    written_back: list[str] | None = None


class Publisher(Protocol):
    """The publisher of one format; a module implements it."""

    def staged_partitions(self, commit: Commit) -> list[str]:
        """Returns the columns by which staged files are partitioned into folders."""
        ...

    def staging_prefix(self, commit: Commit) -> str:
        """Returns the staging folder, relative to the output's URI; "" for the URI itself."""
        ...

    def adopt(self, commit: Commit) -> tuple[Published, CheckResult | None] | None:
        """Returns what the output already holds of exactly this content, or None where the run must publish.

        Raises:
            PolarpodError: the attempt may not publish.
        """
        ...

    def check_columns(self, commit: Commit, columns: Columns) -> Demands:
        """Returns the output's requirements for the rows; called before there are any.

        Raises:
            PolarpodError: the output has other columns or partitions, or does not accept commits of polarpod.
        """
        ...

    def publish(
        self, commit: Commit, files: list[StagedFile], columns: Columns, checks: CheckResult | None
    ) -> tuple[Published, CheckResult | None]:
        """Makes the files visible in one commit, or adopts the same content that an earlier attempt published.

        Raises:
            PolarpodError: nothing was published; the verdict states the reason.
        """
        ...


def publisher_of(output: OutputFormat) -> Publisher:
    """Imports and returns the publisher of an output."""
    found: Publisher = import_module(f"polarpod.runtime.publish.{output.publisher}.publisher")
    return found
