"""The interface of a dataset's format. All code outside of a format's own modules uses a dataset through it.

A format declares by name the modules that read and publish it: contract does not import them. The format also lists and
fills in its templates, since only it knows which of its fields have them.
"""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

from polarpod.contract.param import Scalar


class InputFormat(Protocol):
    """One input of a job.

    Attributes:
        source: the module of `store/sources` that lists it, and the folder of `runtime/sources` that scans it.
        takes_globs: whether *, ? and [ in its place are globs.
        has_footers: whether its files record their row count and types.
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
        """Every text of the dataset that may hold {placeholders}."""
        ...

    def resolve(self, values: dict[str, Scalar], variables: dict[str, str]) -> Self:
        """The dataset with every template filled in from a run's parameters and its plane's variables.

        Raises:
            PolarpodError: a parameter's value is invalid at the place of its placeholder.
        """
        ...

    def check_as_input(self, name: str) -> None:
        """Raises PolarpodError where the dataset cannot be an input as declared."""
        ...


class OutputFormat(InputFormat, Protocol):
    """The output of a job.

    Attributes:
        publisher: the module of `runtime/publish` that commits it, of `store/outputs` that reads its state, and of
            `launch/outputs` that undoes it and cleans up.
        metadata_folder: the subfolder that marks a folder as a dataset of this format.
        record: what records the published rows, as text for a person.
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
        """Those of "replace", "append" and "merge" that are declared."""
        ...

    def check_as_output(self) -> None:
        """Raises PolarpodError where the dataset breaks a rule of its format for outputs."""
        ...
