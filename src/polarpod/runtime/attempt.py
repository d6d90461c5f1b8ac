"""One attempt of a loaded job, from the listing of its inputs to its outcome. Requires no separate process: the child runs
it after a fork, a test calls it directly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from polarpod.contract.context import Context
from polarpod.contract.dataset import Dataset, Input, format_of
from polarpod.contract.definition import Definition
from polarpod.contract.identity import fingerprint_of
from polarpod.contract.receipt import InputUse
from polarpod.contract.verdict import Category, Verdict
from polarpod.runtime import interrupts
from polarpod.runtime.engines.engine import ChecksFailed, Inputs
from polarpod.runtime.engines.polars.engine import ENGINE
from polarpod.runtime.host import Host
from polarpod.runtime.outcome import Outcome
from polarpod.runtime.progress import Phase, Progress
from polarpod.runtime.publish_run import publish_run
from polarpod.store.listing import Listing, list_input


def attempt(
    context: Context, definition: Definition[Any], progress: Progress, *, scratch: Path, host: Host | None = None
) -> Outcome:
    """Returns the outcome of the attempt, with all facts known at its end. A failed run is a verdict, not an exception.

    Raises:
        PolarpodError: an input cannot be listed, so that there is no outcome yet.
    """
    host = host or Host()
    progress.enter(Phase.SCAN)
    datasets = {name: _pinned(context, name) for name in context.job.inputs}
    listings = {name: list_input(name, dataset, context.storage) for name, dataset in datasets.items()}
    known = Outcome(
        verdict=Verdict(category=Category.SUCCEEDED, summary="published"),
        fingerprint=fingerprint_of(
            job=context.job,
            code_version=context.code_version,
            dependencies=context.dependencies,
            params=context.params,
            input_versions={name: listing.version for name, listing in listings.items()},
        ),
        inputs={name: _use(context, name, listing) for name, listing in listings.items()},
        engine=ENGINE.versions(),
    )
    try:
        return publish_run(
            context, definition, Inputs(datasets, listings), known, progress, engine=ENGINE, scratch=scratch, host=host
        )
    except BaseException as error:  # noqa: BLE001  # every exception becomes a verdict
        try:
            host.unstoppable()
        except KeyboardInterrupt:
            # Polars and Python each raise a KeyboardInterrupt for one SIGINT; the second would lose the facts known so
            # far from the receipt.
            host.unstoppable()
        return _failed(error, known, context, datasets, listings, progress)


def _failed(
    error: BaseException,
    known: Outcome,
    context: Context,
    datasets: dict[str, Dataset],
    listings: dict[str, Listing],
    progress: Progress,
) -> Outcome:
    from polarpod.runtime.classify import classify  # imported only on failure, for its tables

    phase = progress.read()[0].name.lower()
    verdict = classify(error, phase=phase, interrupted=interrupts.came())
    if verdict.category is Category.JOB_FAILED:
        from polarpod.runtime.sources.unreadable_files import collected

        verdict = collected(error, datasets, listings, context.storage, phase=phase) or verdict
    if located := _located(verdict, datasets, listings, context):
        verdict = located
    elif verdict.category in (
        Category.INPUT_UNREADABLE,
        Category.INPUT_MISSING,
        Category.INPUT_MISMATCH,
        Category.JOB_FAILED,
    ):
        from polarpod.runtime.sources.unreadable_files import blame

        verdict = blame(verdict, datasets, listings, context.storage)
    checks = error.checks if isinstance(error, ChecksFailed) else None
    return msgspec.structs.replace(known, verdict=verdict, checks=checks)


def _located(
    verdict: Verdict, datasets: dict[str, Dataset], listings: dict[str, Listing], context: Context
) -> Verdict | None:
    if verdict.category is not Category.INPUT_MISMATCH:
        return None
    from polarpod.runtime.sources.inexact_files import name_inexact_files  # imported only on failure

    return name_inexact_files(verdict, datasets, listings, context.storage)


def _pinned(context: Context, name: str) -> Input:
    dataset = context.job.inputs[name]
    if dataset.versioned and name in context.pins:
        return msgspec.structs.replace(dataset, version=context.pins[name])
    return dataset


def _use(context: Context, name: str, listing: Listing) -> InputUse:
    return InputUse(
        uri=listing.uri,
        format=format_of(context.job.inputs[name]),
        version=listing.version,
        files=len(listing.files),
        bytes=listing.bytes,
        left_out=list(listing.left_out),
    )
