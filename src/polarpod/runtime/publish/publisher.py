"""The interface of a publisher: what commits an output of one format. Outside of its folder it is used through this.

A publisher knows files that are staged and Arrow's columns, and no engine. A format names its publisher
(`contract/formats`); one is imported when a job has such an output.
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
    """What a table asks of the rows of a run.

    Attributes:
        rules: what every row must keep to.
        written_back: the table's partition columns where its library reads the rows back and writes them again; None where
            they stay in the files that were staged.
    """

    rules: TableRules
    written_back: list[str] | None = None


class Publisher(Protocol):
    """One format's publisher, a module."""

    def staged_partitions(self, commit: Commit) -> list[str]:
        """The columns by whose values files are staged in folders of their own."""
        ...

    def staging_prefix(self, commit: Commit) -> str:
        """The folder below the output's place that files are staged in; "" for none."""
        ...

    def adopt(self, commit: Commit) -> tuple[Published, CheckResult | None] | None:
        """What the output already holds of this very content; None where there is work to do.

        Raises:
            PolarpodError: the attempt may not publish.
        """
        ...

    def check_columns(self, commit: Commit, columns: Columns) -> Demands:
        """What the output asks of the rows, before there are any.

        Raises:
            PolarpodError: it has other columns or partitions, or takes none of polarpod.
        """
        ...

    def publish(
        self, commit: Commit, files: list[StagedFile], columns: Columns, checks: CheckResult | None
    ) -> tuple[Published, CheckResult | None]:
        """Makes the files readers' in one commit, or adopts what a former attempt has published of the same content.

        Raises:
            PolarpodError: nothing was published, and why.
        """
        ...


def publisher_of(output: OutputFormat) -> Publisher:
    """The publisher of an output."""
    found: Publisher = import_module(f"polarpod.runtime.publish.{output.publisher}.publisher")
    return found
