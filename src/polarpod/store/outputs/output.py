"""The interface to an output's place: what it holds of a run, and whether it may be begun. Every format implements it."""

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
    """The functions of one format's module."""

    def standing(self, output: O_contra, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
        """What the output holds of a run key, compared with the given fingerprint."""
        ...

    def newest_commit(self, output: O_contra, storage: Storage, *, job: str, run_key: str) -> Newest | None:
        """The attempt of a run that committed last, by the output's own record; None where it records none."""
        ...

    def is_begun(self, folder: Folder) -> bool:
        """Whether the folder holds an output of this format."""
        ...

    def begin(self, folder: Folder) -> None:
        """Checks a folder that is not begun. Raises PolarpodError (`publish_refused`) where others' files are in it."""
        ...


def stored(output: OutputFormat) -> StoredOutput[Any]:
    """The module of `store/outputs` that handles an output's format."""
    found: StoredOutput[Any] = import_module(f"polarpod.store.outputs.{output.publisher}")
    return found


def standing(output: Output, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What an output of any format holds of a run key."""
    return stored(output).standing(output, storage, job=job, run_key=run_key, fingerprint=fingerprint)


def newest_commit(output: Output, storage: Storage, *, job: str, run_key: str) -> Newest | None:
    """The attempt of a run that committed last, by the output's own record; None where it records none.

    The state store is not read, so attempts that it has lost are found.
    """
    return stored(output).newest_commit(output, storage, job=job, run_key=run_key)
