"""`polarpod doctor` on a plane of child processes: a test of what a run depends on, by a worker wherever possible.

A worker has another environment than its launcher, so a store that the launcher reaches may be unreachable for the worker.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from polarpod.contract.codec import decoder, encode
from polarpod.contract.job import JobSpec
from polarpod.contract.placeholders import placeholders
from polarpod.contract.store_probe import Answer, Question
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.planes.findings import of_verdict, trial_below, try_state
from polarpod.launch.planes.kind import Finding
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes.process.try_module import try_module
from polarpod.launch.specs import from_jobs
from polarpod.launch.storage_paths import root_of
from polarpod.store.location import absolute

_PROBE = "polarpod.runtime.store_probe"
# far more than an interpreter needs to start and a store to answer
_PROBE_SECONDS = 120.0
# how a plane's variable begins that is a place, and not a part of one
_PLACES = ("s3://", "s3a://", "file://", "/", "./", "../")


def examine(plane: ProcessPlane) -> Iterator[Finding]:
    """Yields the findings as they are made; ends early where no later test could run."""
    yield try_state("state store, from here", plane.state, plane.storage)
    what = "state store, from a worker"
    try:
        tried = _tried(plane, what, plane.state)
    except PolarpodError as error:
        yield of_verdict("a worker starts", error.verdict)
        return
    yield tried
    try:
        # proves that the worker's interpreter has what the jobs import, Polars first of all
        found = from_jobs(Path(plane.jobs), python=plane.python, cache=None)
    except PolarpodError as error:
        yield of_verdict("jobs", error.verdict)
        return
    yield Finding("jobs", "ok", f"{len(found.jobs):,} in {found.source}, code {found.code_version}")
    for broken in found.broken:
        yield of_verdict(f"job module {broken.module}", broken.verdict)
    written = {name for spec in found.jobs.values() for name in _written_by(spec)}
    for name, place in _places(plane).items():
        what = f"{{{name}}}, from a worker"
        yield (
            _tried(plane, what, place) if name in written else Finding(what, "unknown", "not tried: no job publishes there")
        )


def _written_by(spec: JobSpec) -> Collection[str]:
    """The variables and parameters in the places that a job writes to."""
    quarantine = spec.checks.quarantine if spec.checks else None
    return {*placeholders(spec.output.uri), *placeholders(quarantine or "")}


def _places(plane: ProcessPlane) -> dict[str, str]:
    root = root_of(plane).absolute()
    return {name: absolute(text, root) for name, text in plane.variables.items() if text.startswith(_PLACES)}


def _tried(plane: ProcessPlane, what: str, place: str) -> Finding:
    """The finding of a worker that tests a place. Raises PolarpodError where no worker can be started."""
    with trial_below(place) as trial:
        question = Question(uri=trial, storage=plane.storage_of_workers)
        words, end = try_module(plane, _PROBE, {"POLARPOD_PROBE": encode(question).decode()}, seconds=_PROBE_SECONDS)
    try:
        answer = decoder(Answer).decode(words)
    except msgspec.DecodeError:
        return Finding(
            what,
            "failed",
            f"the worker gave no answer: it {end}",
            "Set `python` to an interpreter that has polarpod[worker].",
        )
    if answer.problem:
        first, _, rest = answer.problem.partition("\n")
        return Finding(what, "failed", first, " ".join(rest.split()))
    return Finding(what, "ok", f"{place} reads, writes and refuses the second of two creates")
