"""The interface of one format's published outputs: their undo, and the garbage that a sweep deletes.

Code outside of a format's folder uses the format through it; an output states its format (`contract/formats`).
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
    """The published outputs of one format, implemented by a module."""

    def plan_undo(self, target: Target, state: State, storage: Storage) -> Any:
        """What an undo would change. Writes nothing.

        Raises:
            PolarpodError: nothing of it stands, something newer depends on it, or the log or manifest is missing.
        """
        ...

    def commit_undo(self, planned: Any, target: Target, storage: Storage, *, number: int, now: dt.datetime) -> Undone:
        """Commits the undo in one step.

        Args:
            planned: by `plan_undo`.
            number: the attempt number of the undo.

        Raises:
            PolarpodError: a concurrent commit landed, or the output rejects this one.
        """
        ...

    def within_undo(self, uri: str, storage: Storage) -> set[str]:
        """The uids of the attempts that an undo may reach: a log still has their commits, or a manifest references them."""
        ...

    def garbage(self, uri: str, ended: list[AttemptInfo], storage: Storage, past: Past) -> Swept:
        """What a sweep would delete in a place.

        Args:
            ended: attempts that have the place, are over, and that no sweep has completed.

        Raises:
            PolarpodError: the table or dataset is damaged, and so is left unchanged.
        """
        ...


def published_in(uri: str, context: Context | None) -> PublishedOutput:
    """The module for a place that an attempt publishes to: that of its output, or of Parquet for its bad rows."""
    output = context.job.output if context else None
    return published(output if output and normal(output.uri) == uri else Parquet(uri))


def published(output: OutputFormat) -> PublishedOutput:
    """The module for a published output."""
    found: PublishedOutput = import_module(f"polarpod.launch.outputs.{output.publisher}.kind")
    return found
