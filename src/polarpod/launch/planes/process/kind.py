"""The `process` plane as a plane kind."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kind import Finding, Leftover
from polarpod.launch.planes.process.config import ProcessPlane

if TYPE_CHECKING:
    from polarpod.contract.context import Context
    from polarpod.launch.attempt_records import AttemptInfo
    from polarpod.launch.worker import Launcher

_NOTES_ARE_KEPT = dt.timedelta(days=7)


class ProcessKind:
    """See `PlaneKind`."""

    config = ProcessPlane

    def launcher(self, plane: ProcessPlane) -> Launcher:
        from polarpod.launch.planes.process.launcher import ProcessLauncher

        return ProcessLauncher(plane)

    def render(self, plane: ProcessPlane, context: Context, data: bytes) -> str:  # noqa: ARG002  # as `PlaneKind`
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"plane {context.plane!r} makes no pods",
            evidence=["its workers are child processes of the launcher"],
            remedy="Name a plane of kind kubernetes.",
        )

    def follow_log(
        self,
        plane: ProcessPlane,  # noqa: ARG002  # as `PlaneKind`
        context: Context,  # noqa: ARG002  # as `PlaneKind`
        say: Callable[[bytes], object],  # noqa: ARG002  # as `PlaneKind`
        *,
        tail: int | None,  # noqa: ARG002  # as `PlaneKind`
    ) -> bool:
        return False  # only the launcher of a child process shows its log

    def examine(self, plane: ProcessPlane, *, code_version: str | None) -> Iterator[Finding]:  # noqa: ARG002  # as `PlaneKind`
        from polarpod.launch.planes.process.examine import examine

        return examine(plane)

    def live_attempts(self, plane: ProcessPlane) -> Set[str]:  # noqa: ARG002  # as `PlaneKind`
        return frozenset()  # the planes file may be used on many machines; workers on the others cannot be observed

    def leftovers(self, plane: ProcessPlane, known: Mapping[str, AttemptInfo], *, now: dt.datetime) -> list[Leftover]:
        """Scratch directories and exit records whose launcher was killed before it could remove them."""
        from polarpod.launch.attempt_end import has_ended

        found = []
        for uid in sorted(plane.attempts_here()):
            info = known.get(uid)
            if info is None or not has_ended(info, now):
                continue
            folder, note, run = plane.scratch_of(uid), plane.exit_record(uid), f"{info.job}/{info.run_key}"
            if folder.is_dir():
                size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                why = "its attempt has ended, and its launcher could not remove it"
                found.append(Leftover("scratch directory", str(folder), uid, run, why, size))
            if note.is_file() and _is_of_no_use(info, now):
                why = "the run has not been asked for again, or its verdict is recorded"
                found.append(Leftover("end note", str(note), uid, run, why, note.stat().st_size))
        return found

    def remove(self, plane: ProcessPlane, leftovers: Sequence[Leftover]) -> None:  # noqa: ARG002  # as `PlaneKind`
        for leftover in leftovers:
            if Path(leftover.name).is_dir():
                shutil.rmtree(leftover.name, ignore_errors=True)
            else:
                with suppress(OSError):
                    Path(leftover.name).unlink(missing_ok=True)


def _is_of_no_use(info: AttemptInfo, now: dt.datetime) -> bool:
    """Whether no launcher will read an attempt's exit record: another document states the end, or the attempt is older than
    _NOTES_ARE_KEPT. Until then the next attempt's memory may depend on it."""
    return bool(info.record or info.receipt or (info.context and now - info.context.created_at > _NOTES_ARE_KEPT))


KIND = ProcessKind()
