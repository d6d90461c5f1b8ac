"""The interface of an engine, which evaluates a transform and stages its rows. Code outside its folder uses only this.

Planning reads no rows except those that the transform itself collects. Staging writes files that are invisible to readers; a
publisher makes them visible.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from polarpod.contract.context import Context
from polarpod.contract.dataset import Dataset
from polarpod.contract.definition import Definition
from polarpod.contract.receipt import CheckResult
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.host import Host
from polarpod.runtime.progress import Progress
from polarpod.runtime.publish.publisher import Columns
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.runtime.publish.table_rules import TableRules
from polarpod.store.listing import Listing


class ChecksFailed(PolarpodError):
    """Raised where too many rows break a rule; carries the counts for the receipt."""

    def __init__(self, checks: CheckResult, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checks = checks


class Inputs(NamedTuple):
    """A run's inputs by name, and the current listing of each."""

    datasets: Mapping[str, Dataset]
    listings: Mapping[str, Listing]


class Destination(NamedTuple):
    """The staging location of good rows, and the rules for them.

    Attributes:
        prefix: folder below the output's URI, "" for none.
        partition_by: columns by which files are partitioned into folders.
        written_back: the partition columns where the table's library reads the rows back; None where it does not.
        rules: the table's rules for the rows.
    """

    prefix: str
    partition_by: list[str]
    written_back: list[str] | None
    rules: TableRules


class Staged(NamedTuple):
    """The result of one staging pass: good files, bad files, and the result of the checks."""

    files: list[StagedFile]
    checks: CheckResult | None
    bad_files: list[StagedFile]
    bad_columns: Columns


class Planned(Protocol):
    """A transform that an engine has planned.

    Attributes:
        columns: the output's columns, as they will be written.
        owned: the partition that the run owns, with its values as text of folders and logs.
    """

    @property
    def columns(self) -> Columns: ...

    @property
    def owned(self) -> dict[str, str]: ...


P = TypeVar("P", bound=Planned)


class Engine(Protocol[P]):
    """An engine."""

    def versions(self) -> dict[str, str]:
        """Returns name -> version of the software that computes the rows."""
        ...

    def plan(self, context: Context, definition: Definition[Any], inputs: Inputs, progress: Progress, host: Host) -> P:
        """Turns the inputs into frames, calls the transform on them and checks its plan.

        Raises:
            PolarpodError: an input, the transform, or the output's columns are not as declared.
        """
        ...

    def stage(
        self,
        context: Context,
        definition: Definition[Any],
        planned: P,
        destination: Destination,
        progress: Progress,
        *,
        scratch: Path,
    ) -> Staged:
        """Evaluates the plan and writes good and bad rows to separate files. Returns these with their statistics.

        Raises:
            ChecksFailed: more rows are bad than the policy allows.
            PolarpodError: the rows cannot be computed, or readers would not get the same values back.
        """
        ...
