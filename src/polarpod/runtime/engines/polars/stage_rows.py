"""Stages a planned transform in one pass: good and bad rows through separate sinks, audited afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from polarpod.contract.context import Context
from polarpod.contract.definition import Definition
from polarpod.contract.job import CheckSpec
from polarpod.contract.receipt import CheckResult
from polarpod.contract.verdict import Category
from polarpod.runtime.engines.engine import ChecksFailed, Destination, Staged
from polarpod.runtime.engines.polars import split_rows, stage, staged_footers
from polarpod.runtime.engines.polars.batches import Tally
from polarpod.runtime.engines.polars.formats.row_format import row_format_of
from polarpod.runtime.engines.polars.plan import PolarsPlan
from polarpod.runtime.engines.polars.table_rules import held_rules, hold
from polarpod.runtime.progress import Phase, Progress
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store.location import join, normal
from polarpod.store.storage_options import polars_options


def stage_rows(
    context: Context,
    definition: Definition[Any],
    planned: PolarsPlan,
    destination: Destination,
    progress: Progress,
    *,
    scratch: Path,
) -> Staged:
    result, watch = planned.frame, planned.watch
    target = _target(context, planned, destination)
    rules = held_rules(destination.rules, planned.columns.schema)
    spec = context.job.checks
    tally = Tally()
    # Cached directly above the transform: the optimiser may share only a part of it, and a shuffled or sampled row that is
    # evaluated twice can be both good and bad, or neither.
    halves = _split(result.cache(), definition)
    sinks = stage.Sinks(target, polars_options(target.base, context.storage))
    schema = planned.columns.schema

    def held(rows: pl.LazyFrame) -> pl.LazyFrame:
        return hold(rows, rules, target.base, watch.failures)

    def audited(sinks: stage.Sinks, target: stage.Target, schema: pl.Schema, tally: Tally) -> list[StagedFile]:
        sinks.sweep_empty(context.storage)
        files, storage = sinks.files(), context.storage
        return staged_footers.compare(files, target.base, storage, planned=schema, tally=tally, scratch=scratch)

    if spec is None or halves is None or not halves.rules:
        stage.run_sinks(sinks.sink(watch.rows(held(result), target, tally, progress.add_rows)), None, watch.failures)
        files = audited(sinks, target, schema, tally)
        checks = (
            CheckResult(schema=spec.schema, policy=spec.policy, rows_checked=tally.rows, rows_failed=0) if spec else None
        )
        return Staged(files, checks, [], pl.DataFrame())

    rejected, bad_tally = _quarantine(context, scratch), Tally()
    rejects = stage.Sinks(rejected, polars_options(rejected.base, context.storage))

    def plans(halves: split_rows.Split) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        good = watch.rows(held(halves.good), target, tally, progress.add_rows)
        return sinks.sink(good), rejects.sink(watch.rows(_kept(halves, spec), rejected, bad_tally, _uncounted))

    good, bad = plans(halves)
    if not stage.shares_one_pass(good, bad):
        halves = _split(stage.spool(result, scratch / "spill", context.attempt.uid), definition)
        assert halves is not None, "it was one above"
        good, bad = plans(halves)
    stage.run_sinks(good, bad, watch.failures)

    progress.enter(Phase.CHECK)
    files = audited(sinks, target, schema, tally)
    bad_schema = _kept(halves, spec).collect_schema()
    bad_files = audited(rejects, rejected, bad_schema, bad_tally)
    checks = _check_result(context, rejected, files, bad_files, halves.rules)
    _judge(context, checks)
    return Staged(files, checks, bad_files, pl.DataFrame(schema=bad_schema))


def _target(context: Context, planned: PolarsPlan, destination: Destination) -> stage.Target:
    output = context.job.output
    return stage.Target(
        base=normal(output.uri),
        prefix=destination.prefix,
        uid=context.attempt.uid,
        partition_by=destination.partition_by,
        owned=planned.owned,
        unfit=row_format_of(output).unfit,
        written_back=destination.written_back,
    )


def _quarantine(context: Context, scratch: Path) -> stage.Target:
    """Returns the staging location of bad rows: the quarantine, or the scratch directory where they are not kept."""
    spec = context.job.checks
    assert spec is not None, "only called with checks"
    base = normal(spec.quarantine) if spec.quarantine else str(scratch)
    return stage.Target(base, f"data/{context.attempt.uid}", context.attempt.uid, [], {})


def _check_result(
    context: Context,
    rejected: stage.Target,
    good: list[StagedFile],
    bad: list[StagedFile],
    rules: list[str],
) -> CheckResult:
    """Returns the result of the checks, counted from the written files."""
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


def _kept(halves: split_rows.Split, spec: CheckSpec) -> pl.LazyFrame:
    """Returns the bad rows; without a quarantine only the columns of the rules."""
    return halves.bad if spec.quarantine else halves.bad.select(halves.rules)


def _uncounted(_rows: int) -> None:
    """Bad rows do not count as progress, which counts published rows."""


def _split(frame: pl.LazyFrame, definition: Definition[Any]) -> split_rows.Split | None:
    if definition.schema is None:
        return None
    return split_rows.split(frame, definition.schema, what="the output", category=Category.OUTPUT_MISMATCH)


def _judge(context: Context, checks: CheckResult) -> None:
    """Raises ChecksFailed where the policy does not allow these rows to be published."""
    spec = context.job.checks
    assert spec is not None, "only called with checks"
    share = checks.rows_failed / checks.rows_checked if checks.rows_checked else 0.0
    if not checks.rows_failed or (spec.policy == "quarantine" and share <= spec.max_bad_share):
        return
    allowed = "none may" if spec.policy == "fail" else f"at most {spec.max_bad_share:.2%} may"
    raise ChecksFailed(
        msgspec.structs.replace(checks, quarantine_uri=None),
        Category.CHECKS_FAILED,
        f"{checks.rows_failed:,} of {checks.rows_checked:,} rows break {spec.schema}, {allowed}; nothing was published",
        evidence=[f"{rule}: {count:,} rows" for rule, count in sorted(checks.rules.items(), key=lambda item: -item[1])],
        remedy="Mend the data or the rule; or set bad rows aside with Check(schema, quarantine=..., max_bad_share=...).",
    )
