"""The interface of an output's place: what it holds of a run, and whether it may be begun. Formats are used through it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, TypeVar

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Output
from polarpod.contract.formats.format import OutputFormat
from polarpod.store.fence import Newest, Standing
from polarpod.store.folder import Folder

O_contra = TypeVar("O_contra", bound=OutputFormat, contravariant=True)


class StoredOutput(Protocol[O_contra]):
    """One format's places, a module."""

    def standing(self, output: O_contra, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
        """What the output holds of a run key, beside the fingerprint asked about."""
        ...

    def newest_commit(self, output: O_contra, storage: Storage, *, job: str, run_key: str) -> Newest | None:
        """Who has committed last of a run, as the output itself says; None where it knows of nobody."""
        ...

    def is_begun(self, folder: Folder) -> bool:
        """Whether the folder is an output of the format already."""
        ...

    def begin(self, folder: Folder) -> None:
        """For a folder that is not begun. Raises PolarpodError (`publish_refused`) where others keep files in it."""
        ...


def stored(output: OutputFormat) -> StoredOutput[Any]:
    """How an output's place is looked at."""
    found: StoredOutput[Any] = import_module(f"polarpod.store.outputs.{output.publisher}")
    return found


def standing(output: Output, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What the output at its place holds of a run key, whatever its format."""
    return stored(output).standing(output, storage, job=job, run_key=run_key, fingerprint=fingerprint)


def newest_commit(output: Output, storage: Storage, *, job: str, run_key: str) -> Newest | None:
    """Who has committed last of a run, as the output itself says; None where it knows of nobody.

    The state store is not asked: what it has lost is found here.
    """
    return stored(output).newest_commit(output, storage, job=job, run_key=run_key)
