"""From listed inputs to published rows: the steps of an engine and a publisher for one run, in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from polarpod.contract.context import Context
from polarpod.contract.definition import Definition
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.engine import Destination, Engine, Inputs
from polarpod.runtime.host import Host
from polarpod.runtime.outcome import Outcome
from polarpod.runtime.progress import Phase, Progress
from polarpod.runtime.publish import quarantine
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.publisher import publisher_of
from polarpod.store.location import normal


def publish_run(
    context: Context,
    definition: Definition[Any],
    inputs: Inputs,
    known: Outcome,
    progress: Progress,
    *,
    engine: Engine[Any],
    scratch: Path,
    host: Host,
) -> Outcome:
    """Runs and publishes the job, or adopts what an earlier attempt published. Returns the outcome of the successful run.

    Raises:
        PolarpodError: nothing was published; the verdict states the reason.
    """
    output = context.job.output
    publisher = publisher_of(output)
    commit = Commit.of(context, known.fingerprint)
    if found := publisher.adopt(commit):
        published, checks = found
        return msgspec.structs.replace(known, published=published, checks=checks)

    planned = engine.plan(context, definition, inputs, progress, host)
    if planned.owned:
        commit = commit._replace(output=msgspec.structs.replace(output, replace=planned.owned))
    demands = publisher.check_columns(commit, planned.columns)
    quarantine.check_folder(context)
    commit = commit._replace(held=frozenset(demands.rules.names))

    progress.enter(Phase.STAGE)
    destination = Destination(
        publisher.staging_prefix(commit), publisher.staged_partitions(commit), demands.written_back, demands.rules
    )
    staged = engine.stage(context, definition, planned, destination, progress, scratch=scratch)
    if not staged.files and not output.allow_empty:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the job made no rows",
            evidence=[f"{name}: {use.files} files, {use.bytes:,} bytes" for name, use in known.inputs.items()],
            remedy="Look at the transform's filters and joins. If no rows are a normal day, declare the output with "
            "allow_empty=True; a run that replaces then leaves its partition empty.",
        )

    progress.enter(Phase.PUBLISH)
    # From here until the report is written, an interrupt could no longer prevent the commit, only lose its record.
    host.unstoppable()
    if staged.checks and context.job.checks and context.job.checks.quarantine:
        place = normal(context.job.checks.quarantine)
        quarantine.publish(commit, place, staged.checks, staged.bad_files, staged.bad_columns)
    published, checks = publisher.publish(commit, staged.files, planned.columns, staged.checks)
    progress.enter(Phase.DONE)
    return msgspec.structs.replace(known, published=published, checks=checks)
