"""The `process` plane's keys in planes.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import gettempdir

import msgspec

from polarpod.launch.planes.plane import Capabilities, Plane
from polarpod.store.location import absolute

_PREFIX = "polarpod-"


class ProcessPlane(Plane, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="process"):
    """This machine: a worker is a child process of its launcher.

    Attributes:
        environment_from: names of variables that are passed on from the caller's environment, for credentials.
        scratch: where attempts get their scratch directories; the system's temporary directory by default.
    """

    environment_from: list[str] = []
    scratch: str | None = None

    def scratch_of(self, uid: str) -> Path:
        """An attempt's scratch directory."""
        return self._scratch / f"{_PREFIX}{uid}"

    def attempts_here(self) -> set[str]:
        """Uids of the attempts that have left files on this machine, of any state store."""
        return {path.name.removeprefix(_PREFIX).partition(".")[0] for path in self._scratch.glob(f"{_PREFIX}*")}

    @property
    def _scratch(self) -> Path:
        return Path(self.scratch or gettempdir())

    def exit_record(self, uid: str) -> Path:
        return self.scratch_of(uid).with_suffix(".end.json")

    def log_file(self, uid: str) -> Path:
        return self.scratch_of(uid) / "worker.log"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(worker="child process", outlives_launcher=False, shares_folders=True)

    def store_variables(self, environment: Iterable[str]) -> list[str]:
        return [name for name in environment if name in self.environment_from]

    def rooted(self, folder: Path) -> Plane:
        plane = super().rooted(folder)
        scratch = self.scratch and absolute(self.scratch, Path(plane.root or folder))
        return msgspec.structs.replace(plane, scratch=scratch)
