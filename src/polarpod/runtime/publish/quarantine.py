"""Where bad rows go: a plain Parquet dataset of its own, one entry a run key, published just before the good rows.

Before, so that a bad row is never lost: an attempt that dies between the two leaves bad rows whose good ones are missing,
and the next attempt of the run key replaces both.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from polarpod.contract.context import Context
from polarpod.contract.dataset import Parquet
from polarpod.contract.receipt import CheckResult
from polarpod.runtime.engines.polars import stage
from polarpod.runtime.publish import parquet
from polarpod.runtime.publish.commit import Commit
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder
from polarpod.store.location import join, normal
from polarpod.store.storage_options import polars_options


def target(context: Context, scratch: Path) -> stage.Target:
    """Where this attempt stages its bad rows: in the quarantine, or in its scratch directory where they are not kept."""
    spec = context.job.checks
    assert spec is not None, "only called with checks"
    base = normal(spec.quarantine) if spec.quarantine else str(scratch)
    return stage.Target(base, f"data/{context.attempt.uid}", context.attempt.uid, [], {})


def check_folder(context: Context) -> None:
    """Raises PolarpodError where bad rows could not be published: before any are staged, whether there are some or not."""
    spec = context.job.checks
    if spec is not None and spec.quarantine:
        folder = Folder(normal(spec.quarantine), context.storage)
        if manifest.read(folder) is None:
            parquet.check_folder(folder)


def result(
    context: Context,
    rejected: stage.Target,
    good: list[stage.StagedFile],
    bad: list[stage.StagedFile],
    rules: list[str],
) -> CheckResult:
    """What the checks found, counted from the files that were written."""
    spec = context.job.checks
    assert spec is not None
    failed = sum(file.rows for file in bad)
    options = polars_options(rejected.base, context.storage)
    counts: dict[str, int] = {}
    for file in bad:
        for rule, count in stage.rule_counts(join(rejected.base, file.path), rules, options).items():
            counts[rule] = counts.get(rule, 0) + count
    return CheckResult(
        schema=spec.schema,
        policy=spec.policy,
        rows_checked=failed + sum(file.rows for file in good),
        rows_failed=failed,
        rules=counts,
        quarantine_uri=rejected.base if spec.policy == "quarantine" and failed else None,
    )


def publish(commit: Commit, uri: str, checks: CheckResult, files: list[stage.StagedFile], schema: pl.Schema) -> None:
    """Makes the bad rows visible; where there are none, takes away those that an earlier attempt of the run has left."""
    if not files and not _stands(commit, uri):
        return
    # the same rows may be set aside twice (forced, or after a crash): unlike an append, a quarantine entry is replaced
    place = Parquet(uri, replace={"job": commit.job, "run_key": commit.run_key})
    own = commit._replace(output=place, force=True)
    parquet.publish(own, files, schema, checks)


def _stands(commit: Commit, uri: str) -> bool:
    found = manifest.read(Folder(uri, commit.storage))
    entries = found.manifest.entries if found else []
    return any(entry.is_of(commit.job, commit.run_key) and entry.files for entry in entries)
