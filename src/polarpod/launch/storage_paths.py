"""The places of a resolved job: the same for plan and worker, whatever directory each of them runs in.

A worker starts in a scratch directory that is removed at its end. A relative path there would be another place than the
planner's, or be removed; so every place is absolute before a context is written.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from polarpod.contract.job import JobSpec
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.plane import Plane
from polarpod.store.glob import escape
from polarpod.store.location import absolute, is_local, join, refuse_below_a_file


def with_places(job: JobSpec, plane: Plane) -> JobSpec:
    """The job with every place absolute.

    Raises:
        PolarpodError: a worker of this plane could not reach one of them, or a file is where a folder should be.
    """
    _kept("the plane's state", plane.state, plane)
    checks = job.checks
    if checks and checks.quarantine:
        checks = msgspec.structs.replace(checks, quarantine=_kept("the quarantine", checks.quarantine, plane))
    output = msgspec.structs.replace(job.output, uri=_kept("the output", job.output.uri, plane))
    refuse_below_a_file("the output", join(output.uri, output.metadata_folder))
    inputs = {
        name: msgspec.structs.replace(dataset, uri=_place(f"input {name!r}", dataset.uri, plane, globs=dataset.takes_globs))
        for name, dataset in job.inputs.items()
    }
    return msgspec.structs.replace(job, inputs=inputs, output=output, checks=checks)


def root_of(plane: Plane) -> Path:
    """The folder that relative places are relative to."""
    return Path(plane.root) if plane.root else Path.cwd()


def _place(what: str, uri: str, plane: Plane, *, globs: bool = False) -> str:
    root = root_of(plane).absolute()
    # the names of the root's folders are not part of the job's glob
    place = absolute(uri, Path(escape(str(root))) if globs else root)
    can = plane.capabilities
    if place != uri and not can.shares_folders:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{what} is a relative path, which means nothing in a {can.worker}",
            evidence=[uri],
            remedy='Begin it with a variable of the plane, such as "{lake}/...", and give the variable an s3:// prefix.',
        )
    return place


def _kept(what: str, uri: str, plane: Plane) -> str:
    """A place that must outlive the worker, as an absolute one. Raises PolarpodError where it would not."""
    place = _place(what, uri, plane)
    can = plane.capabilities
    if is_local(place) and not (can.shares_folders or can.mounts_folders):
        mount = f"; or mount a shared volume there, {can.how_to_mount} and for whoever launches too"
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{what} is a local path, and a {can.worker}'s files go with the {can.worker}",
            evidence=[uri],
            remedy=f"Use an s3:// prefix{mount if can.how_to_mount else ''}.",
        )
    refuse_below_a_file(what, place)
    return place
