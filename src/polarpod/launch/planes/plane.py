"""The configuration that every kind of plane has in planes.yaml."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from polarpod.contract.context import Storage
from polarpod.contract.resources import MINIMUM_MEMORY_BYTES, format_bytes, parse_bytes
from polarpod.contract.verdict import PolarpodError
from polarpod.store.location import absolute

# at least one, and few enough for a date
_DAYS = re.compile(r"[1-9][0-9]{0,4}d")
_FOREVER = "forever"


class Capabilities(NamedTuple):
    """What a plane declares about its workers. The core reads this and never a plane's kind.

    Attributes:
        worker: the name of a worker in messages, such as "child process" or "pod".
        outlives_launcher: a worker continues when its launcher dies, so that an attempt without a verdict may still run.
        shares_folders: a worker sees the files of the launcher's machine under the same paths, and leaves its own there.
        mounts_folders: a worker keeps local files in volumes that the plane's configuration mounts.
        how_to_mount: the remedy's text for that, where `mounts_folders` could be made true.
    """

    worker: str
    outlives_launcher: bool
    shares_folders: bool
    mounts_folders: bool = False
    how_to_mount: str = ""


class Plane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """The keys that every plane has.

    Attributes:
        state: the state store: a folder or an s3:// prefix.
        variables: values for placeholders that depend on the plane, such as {lake}; not part of a run's key.
        storage: the access to the object store.
        credentials: a file of NAME=value lines that the launcher adds to its environment where they are not set, so
            that it reaches the store; for a laptop. In production the environment has them already.
        environment: variables of the worker; it gets no others.
        python: the interpreter that has polarpod[worker], to read a jobs directory; the caller's own by default.
        jobs: the jobs directory.
        root: the folder that relative places of jobs and of this plane are relative to; by default that of the planes
            file, and without a file the current directory.
        max_memory: the largest limit that a run may get after running out of memory.
        memory_growth: factor on the limit after running out of memory.
        retention: how long `polarpod gc` keeps the documents of attempts that are no longer needed: "90d", or "forever".
    """

    state: str
    variables: dict[str, str] = {}
    storage: Storage = Storage()
    credentials: str | None = None
    environment: dict[str, str] = {}
    python: str | None = None
    jobs: str = "jobs"
    root: str | None = None
    max_memory: str | int | None = None
    memory_growth: Annotated[float, msgspec.Meta(gt=1, le=8)] = 2.0
    retention: str = "90d"

    @property
    def kind(self) -> str:
        """The plane's kind, as planes.yaml has it."""
        return str(type(self).__struct_config__.tag)

    @property
    def capabilities(self) -> Capabilities:
        """What the core may rely on."""
        raise NotImplementedError(f"plane kind {self.kind!r} declares no capabilities")

    @property
    def max_memory_bytes(self) -> int | None:
        """`max_memory` as a number of bytes."""
        return None if self.max_memory is None else parse_bytes(self.max_memory)

    @property
    def keep(self) -> dt.timedelta | None:
        """`retention` as a duration; None is forever."""
        return None if self.retention == _FOREVER else dt.timedelta(days=int(self.retention.removesuffix("d")))

    @property
    def storage_of_workers(self) -> Storage:
        """Its workers' access to the object store."""
        return self.storage

    def store_variables(self, environment: Iterable[str]) -> list[str]:
        """Of the launcher's variables, those that hold credentials of the object store."""
        return [name for name in environment if name.startswith("AWS_")]

    def exit_record(self, uid: str) -> Path | None:  # noqa: ARG002  # of planes that have one
        """The file that keeps the end of an attempt's worker until it is recorded; None where the plane itself keeps it."""
        return None

    def log_file(self, uid: str) -> Path | None:  # noqa: ARG002  # of planes that have one
        """The file on this machine that an attempt's worker writes its log to; None where there is none."""
        return None

    def problems(self) -> list[tuple[str, str]]:
        """(key, problem of its value), for constraints that types cannot express. Sends no network request."""
        if found := environment_problems(self.environment):
            return found
        if problem := quantity_problem(parse_bytes, self.max_memory):
            return [("max_memory", problem)]
        if (cap := self.max_memory_bytes) is not None and cap < MINIMUM_MEMORY_BYTES:
            return [("max_memory", f"no worker runs in less than {format_bytes(MINIMUM_MEMORY_BYTES)}")]
        if self.retention != _FOREVER and not _DAYS.fullmatch(self.retention):
            return [("retention", f"{self.retention!r} is no number of days, such as 90d, and not {_FOREVER}")]
        return []

    def rooted(self, folder: Path) -> Plane:
        """The plane with its own places absolute: the next process that reads the file may run in another directory.

        Args:
            folder: the folder of the planes file.
        """
        root = Path(absolute(self.root, folder)) if self.root else folder
        return msgspec.structs.replace(self, root=str(root), state=absolute(self.state, root))


def environment_problems(environment: Iterable[str], key: str = "environment") -> list[tuple[str, str]]:
    """(key, problem) of each name that cannot be passed to a process."""
    return [
        (f"{key}.{name}", f"{name!r} is not the name of a variable: it must not be empty or contain '=' or NUL")
        for name in environment
        if not name or "=" in name or "\0" in name
    ]


def quantity_problem(parse: Callable[[Any], object], given: str | float | None) -> str | None:
    """The problem of a quantity such as "2Gi"; None where it is valid."""
    try:
        if given is not None:
            parse(given)
    except PolarpodError as error:
        return error.verdict.summary
    return None
