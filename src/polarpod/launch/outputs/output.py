"""The interface of what was published in one format: how it is undone, and what a sweep takes of its folder.

Outside of its folder a format is used through it; an output names its own (`contract/formats`).
"""

from __future__ import annotations

import datetime as dt
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from polarpod.contract.context import Context, Storage
from polarpod.contract.dataset import Parquet
from polarpod.contract.formats.format import OutputFormat
from polarpod.store.location import normal

if TYPE_CHECKING:
    from polarpod.launch.attempt_records import AttemptInfo
    from polarpod.launch.gc.garbage import Past, Swept
    from polarpod.launch.state import State
    from polarpod.launch.undo_target import Target, Undone


class PublishedOutput(Protocol):
    """One format's published outputs, a module."""

    def plan_undo(self, target: Target, state: State, storage: Storage) -> Any:
        """What an undo would take back. Nothing is written.

        Raises:
            PolarpodError: nothing of it stands, something newer stands on it, or nobody can say what is published.
        """
        ...

    def commit_undo(self, planned: Any, target: Target, storage: Storage, *, number: int, now: dt.datetime) -> Undone:
        """Takes it back in one step.

        Args:
            planned: by `plan_undo`.
            number: of the undoing.
        """
        ...

    def within_undo(self, uri: str, storage: Storage) -> set[str]:
        """The attempts that an undo may reach, by uid: whose commits a log still has, or that a manifest names."""
        ...

    def garbage(self, uri: str, ended: list[AttemptInfo], storage: Storage, past: Past) -> Swept:
        """What a sweep would delete in a place.

        Args:
            ended: attempts that have the place, are over, and that no sweep has done with.

        Raises:
            PolarpodError: the table or dataset is damaged, and so is left alone.
        """
        ...


def published_in(uri: str, context: Context | None) -> PublishedOutput:
    """How a place is handled that an attempt publishes to: its output, or a Parquet dataset of its bad rows."""
    output = context.job.output if context else None
    return published(output if output and normal(output.uri) == uri else Parquet(uri))


def published(output: OutputFormat) -> PublishedOutput:
    """How a published output is handled."""
    found: PublishedOutput = import_module(f"polarpod.launch.outputs.{output.publisher}.kind")
    return found
