"""The interface of a dataset's format. What is not a format's own module uses a dataset through it.

A format declares who reads and who publishes it, by name: contract knows neither. Templates and their filling in are the
format's, since it alone knows which of its fields have them.
"""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

from polarpod.contract.param import Scalar


class InputFormat(Protocol):
    """One input of a job.

    Attributes:
        source: the module of `store/sources` that lists it, and the folder of `runtime/sources` that scans it.
        takes_globs: whether *, ? and [ in its place stand for other characters.
        has_footers: whether its files say how many rows they have and of which types.
        versioned: whether it has a `version` that a launcher can pin.
    """

    source: ClassVar[str]
    takes_globs: ClassVar[bool]
    has_footers: ClassVar[bool]
    versioned: ClassVar[bool]

    @property
    def uri(self) -> str: ...

    @property
    def allow_empty(self) -> bool: ...

    def templates(self) -> list[str]:
        """Every text of it that may hold {placeholders}."""
        ...

    def resolve(self, values: dict[str, Scalar], variables: dict[str, str]) -> Self:
        """It, with every template filled in from a run's parameters and its plane's variables.

        Raises:
            PolarpodError: a parameter's value does not fit where it stands.
        """
        ...

    def check_as_input(self, name: str) -> None:
        """Raises PolarpodError where it cannot be an input as declared."""
        ...


class OutputFormat(InputFormat, Protocol):
    """The output of a job.

    Attributes:
        publisher: the module of `runtime/publish` that commits it, of `store/outputs` that says what stands there, and of
            `launch/outputs` that takes it back and cleans up.
        metadata_folder: the folder that makes a dataset of a folder.
        record: what says which rows are published, for a person.
    """

    publisher: ClassVar[str]
    metadata_folder: ClassVar[str]
    record: ClassVar[str]

    @property
    def replace(self) -> dict[str, str] | str | None: ...

    @property
    def partition_by(self) -> list[str]: ...

    @property
    def append(self) -> bool: ...

    def modes(self) -> list[str]:
        """Each of "replace", "append" and "merge" that is given."""
        ...

    def check_as_output(self) -> None:
        """Raises PolarpodError where it cannot be published as declared, beyond what is true of every format."""
        ...
