"""The interface of an engine: what evaluates a transform and stages its rows. Outside of its folder it is used through this.

Planning reads no rows but those that the transform itself asks for. Staging writes files where no reader looks; what makes
them readers' is a publisher's.
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
    """Too many rows break a rule; carries the counts for the receipt."""

    def __init__(self, checks: CheckResult, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checks = checks


class Inputs(NamedTuple):
    """A run's inputs by name, and what each of them is right now."""

    datasets: Mapping[str, Dataset]
    listings: Mapping[str, Listing]


class Destination(NamedTuple):
    """Where good rows are staged, and what they are held to.

    Attributes:
        prefix: folder below the output's place, "" for none.
        partition_by: columns by whose values files lie in folders of their own.
        written_back: the partition columns where the table's library reads the rows back; None where not.
        rules: the table's.
    """

    prefix: str
    partition_by: list[str]
    written_back: list[str] | None
    rules: TableRules


class Staged(NamedTuple):
    """What one staging pass left: good files, bad files, and what the checks say of them."""

    files: list[StagedFile]
    checks: CheckResult | None
    bad_files: list[StagedFile]
    bad_columns: Columns


class Planned(Protocol):
    """A transform that an engine has planned.

    Attributes:
        columns: the output's, as they will be written.
        owned: the partition that the run owns, with its values as folders and logs spell them.
    """

    @property
    def columns(self) -> Columns: ...

    @property
    def owned(self) -> dict[str, str]: ...


P = TypeVar("P", bound=Planned)


class Engine(Protocol[P]):
    """One engine."""

    def versions(self) -> dict[str, str]:
        """What the rows are made with, by name."""
        ...

    def plan(self, context: Context, definition: Definition[Any], inputs: Inputs, progress: Progress, host: Host) -> P:
        """Turns the inputs into frames, runs the transform over them and looks at what it would do.

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
        """Evaluates the plan and writes its rows, good ones apart from bad ones, with their statistics.

        Raises:
            ChecksFailed: more rows are bad than may be.
            PolarpodError: the rows could not be made, or would not be read back as they are.
        """
        ...
