"""The plan of a run: everything that is known before a worker is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from polarpod.contract.identity import fingerprint_of, run_key_of
from polarpod.contract.job import JobSpec
from polarpod.contract.param import Scalar
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.code_dependencies import dependencies_of
from polarpod.launch.job_request import choose_job, parameters, resolve_job
from polarpod.launch.memory_sizing import Past, Size, size, tells_need
from polarpod.launch.planes.plane import Plane
from polarpod.launch.specs import Specs
from polarpod.launch.state import State
from polarpod.launch.storage_paths import with_places
from polarpod.store.fence import Standing
from polarpod.store.listing import Listing, list_input, refuse_empty
from polarpod.store.outputs.beginning import refuse_folder_of_others
from polarpod.store.outputs.output import standing


class Plan(NamedTuple):
    """The plan of one run.

    Attributes:
        job: the resolved job.
        dependencies: what the rows depend on besides inputs and parameters; see `Context`.
        pins: Delta input -> the version that was listed and is to be read.
        standing: what the output contains of this run key.
        size: the next attempt's size, and the reason for it.
        image: the release's, by digest; None where the plane states it.
        unjudged: the newest attempt, where it has no verdict yet: it may still run.
    """

    job: JobSpec
    params: dict[str, Scalar]
    run_key: str
    code_version: str
    plane: str
    listings: dict[str, Listing]
    pins: dict[str, int]
    fingerprint: str
    standing: Standing
    size: Size
    unjudged: AttemptInfo | None = None
    image: str | None = None
    dependencies: Mapping[str, str] = {}


def make_plan(name: str, given: Mapping[str, Scalar], *, specs: Specs, plane_name: str, plane: Plane, state: State) -> Plan:
    """Resolves, lists, compares and sizes one run; starts nothing.

    Raises:
        PolarpodError: the request is invalid, an input is missing or has no files, the output's folder belongs to others, or
            a store is unreachable.
    """
    if name not in specs.jobs and specs.broken:
        raise _perhaps_broken(name, specs)
    declared = choose_job(specs.jobs, name, source=specs.source)
    params = parameters(declared, given, plane.variables)
    job = with_places(resolve_job(declared, params, plane.variables), plane)
    run_key = run_key_of(params)
    listings = {}
    for key, dataset in job.inputs.items():
        listings[key] = list_input(key, dataset, plane.storage)
        refuse_empty(key, dataset, listings[key])
    pins = {key: listing.pin for key, listing in listings.items() if listing.pin is not None}
    dependencies = dependencies_of(specs.dependencies.get(job.name, {}), plane.environment)
    fingerprint = fingerprint_of(
        job=job,
        code_version=specs.code_version,
        dependencies=dependencies,
        params=params,
        input_versions={key: listing.version for key, listing in listings.items()},
    )
    held = standing(job.output, plane.storage, job=job.name, run_key=run_key, fingerprint=fingerprint)
    if held.number is None:
        refuse_folder_of_others(job.output, job.checks.quarantine if job.checks else None, plane.storage)
    attempts = _last(state.each_attempt(job.name, run_key), specs.code_version)
    return Plan(
        job=job,
        params=params,
        run_key=run_key,
        code_version=specs.code_version,
        dependencies=dependencies,
        plane=plane_name,
        listings=listings,
        pins=pins,
        fingerprint=fingerprint,
        standing=held,
        size=size(
            job.resources,
            _past(attempts, specs.code_version),
            growth=plane.memory_growth,
            cap_bytes=plane.max_memory_bytes,
            successes=state.successes(job.name),
        ),
        image=specs.image,
        unjudged=attempts[0] if attempts and attempts[0].record is None else None,
    )


# the last end that is evidence of the memory need is among these, or too old to matter
_ATTEMPTS_LOOKED_AT = 5


def _last(attempts: Iterator[AttemptInfo], code_version: str) -> list[AttemptInfo]:
    """The newest attempts, back to one that is evidence of how much memory the run needs: mostly one."""
    found = []
    for info in islice(attempts, _ATTEMPTS_LOOKED_AT):
        found.append(info)
        if any(tells_need(past) for past in _past([info], code_version)):
            break
    return found


def _past(attempts: list[AttemptInfo], code_version: str) -> list[Past]:
    """Attempts with the same code whose end is known; other code may need other memory."""
    same = (info for info in attempts if info.context and info.context.code_version == code_version)
    return [past for info in same if (past := _end_of(info))]


def _end_of(info: AttemptInfo) -> Past | None:
    """The end as the launcher recorded it, else as the worker's receipt has it: that launcher may have died."""
    if info.record:
        return Past(info.record.verdict.category, info.record.memory_limit_bytes, info.record.memory_peak_bytes)
    if info.receipt:
        usage = info.receipt.usage
        return Past(info.receipt.verdict.category, usage.memory_limit_bytes, usage.memory_peak_bytes)
    return None


def _perhaps_broken(name: str, specs: Specs) -> PolarpodError:
    """The error for an unknown job while modules fail to import: it is likely in one of them."""
    likely = next((broken for broken in specs.broken if broken.module.rpartition(".")[2] == name), specs.broken[0])
    return PolarpodError(
        Category.JOB_IMPORT_FAILED,
        f"there is no job {name!r}, and {likely.verdict.summary}",
        evidence=likely.verdict.evidence,
        remedy=likely.verdict.remedy,
    )
