"""The work between scanning and receipt: transform, stage, check, publish. The part of the child that needs Polars."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from polarpod.contract.context import Context
from polarpod.contract.dataset import Dataset, Delta, Output, partition_columns
from polarpod.contract.definition import Definition
from polarpod.contract.job import CheckSpec
from polarpod.contract.param import typed
from polarpod.contract.receipt import CheckResult
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.polars import partition, stage, staged_footers
from polarpod.runtime.engines.polars import split_rows as check
from polarpod.runtime.engines.polars.batches import Tally, Watch, nothing_refused
from polarpod.runtime.engines.polars.guards import arithmetic_guard
from polarpod.runtime.engines.polars.parquet_fit import check_stored
from polarpod.runtime.engines.polars.table_rules import Rule, hold
from polarpod.runtime.host import Host
from polarpod.runtime.outcome import Outcome
from polarpod.runtime.progress import Phase, Progress
from polarpod.runtime.publish import delta, parquet, quarantine
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.delta_base import commits_files
from polarpod.runtime.publish.delta_fit import fit_delta, unfit_key
from polarpod.runtime.sources.scan import scan
from polarpod.runtime.types.reach import IN_MICROSECONDS, out_of_reach
from polarpod.store.listing import Listing
from polarpod.store.location import normal
from polarpod.store.storage_options import polars_options


class ChecksFailed(PolarpodError):
    """Too many rows break a rule; carries the counts for the receipt."""

    def __init__(self, checks: CheckResult, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checks = checks


def engine() -> dict[str, str]:
    """What the rows were made with."""
    return {"polars": pl.__version__, "python": sys.version.split()[0]}


def publish_run(
    context: Context,
    definition: Definition[Any],
    datasets: dict[str, Dataset],
    listings: dict[str, Listing],
    known: Outcome,
    progress: Progress,
    *,
    scratch: Path,
    host: Host,
) -> Outcome:
    """From listed inputs to published rows."""
    output = context.job.output
    publisher = delta if isinstance(output, Delta) else parquet
    commit = Commit.of(context, known.fingerprint)
    if found := publisher.adopt(commit):
        published, checks = found
        return msgspec.structs.replace(known, published=published, checks=checks)

    frames = {name: scan(name, dataset, listings[name], context.storage) for name, dataset in datasets.items()}
    progress.enter(Phase.TRANSFORM)
    check.check_inputs(frames, dict(definition.input_schemas))
    result = _transform(context, definition, frames, progress, host)
    watch = Watch()
    result = _fitted(result, definition, output, watch)

    target = stage.Target(
        base=normal(output.uri),
        prefix=publisher.staging_prefix(commit),
        uid=context.attempt.uid,
        # what deltalake reads back and writes again it partitions itself
        partition_by=partition_columns(output) if publisher is parquet or commits_files(output) else [],
        owned=output.replace if isinstance(output.replace, dict) else {},
        unfit=unfit_key if publisher is delta else partition.takes_all,
    )
    schema = result.collect_schema()
    partition.check_columns(schema, partition_columns(output))
    check_stored(schema)
    if isinstance(output.replace, dict):
        target = target._replace(owned=partition.owned_as_spelled(output.replace, schema, target.unfit))
        commit = commit._replace(output=msgspec.structs.replace(output, replace=target.owned))
    rules, written_back = publisher.check_schema(commit, schema)
    quarantine.check_folder(context)
    target = target._replace(written_back=written_back)
    commit = commit._replace(held=frozenset(rule.name for rule in rules))

    progress.enter(Phase.STAGE)
    staged = _stage(context, definition, result, target, rules, watch, progress, scratch)
    if not staged.files and not output.allow_empty:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the job made no rows",
            evidence=[f"{name}: {use.files} files, {use.bytes:,} bytes" for name, use in known.inputs.items()],
            remedy="Look at the transform's filters and joins. If no rows are a normal day, declare the output with "
            "allow_empty=True; a run that replaces then leaves its partition empty.",
        )

    progress.enter(Phase.PUBLISH)
    # from here to the report an interruption could only lose the news of a commit, never prevent it
    host.unstoppable()
    if staged.checks and context.job.checks and context.job.checks.quarantine:
        place = normal(context.job.checks.quarantine)
        quarantine.publish(commit, place, staged.checks, staged.bad_files, staged.bad_schema)
    published, checks = publisher.publish(commit, staged.files, schema, staged.checks)
    progress.enter(Phase.DONE)
    return msgspec.structs.replace(known, published=published, checks=checks)


class _Staged(NamedTuple):
    """What one staging pass left: good files, bad files, and what the checks say of them."""

    files: list[stage.StagedFile]
    checks: CheckResult | None
    bad_files: list[stage.StagedFile]
    bad_schema: pl.Schema


def _transform(
    context: Context, definition: Definition[Any], frames: dict[str, pl.LazyFrame], progress: Progress, host: Host
) -> pl.LazyFrame:
    spec = context.job
    arguments = {name: typed(name, spec.params[name], context.params[name]) for name in spec.arguments}
    host.before_transform()
    progress.first_line()
    result = definition.transform(**frames, **arguments)
    if not isinstance(result, pl.LazyFrame):
        kind = f"{type(result).__module__}.{type(result).__qualname__}".removeprefix("builtins.")
        hint = " Return frame.lazy() instead." if isinstance(result, pl.DataFrame) else ""
        raise PolarpodError(
            Category.JOB_RETURNED_WRONG,
            f"the job {spec.name!r} must return a polars LazyFrame",
            evidence=[f"{spec.module}.{spec.function} returned {kind}"],
            remedy=f"Return the LazyFrame that describes the result, without collecting it.{hint}",
        )
    result.collect_schema()
    arithmetic_guard.check(result)
    return result


def _fitted(result: pl.LazyFrame, definition: Definition[Any], output: Output, watch: Watch) -> pl.LazyFrame:
    """The rows as their format holds them. What is cast or checked is held to its planned types before, because a cast of
    another type than the planned one may lose values in silence; else the sink's watch is the only one."""
    columns = partition_columns(output)
    fit = partition.fit_keys(fit_delta(result) if isinstance(output, Delta) else result, columns)
    if definition.schema is None and fit.collect_schema() == result.collect_schema():
        return result
    planned, stored = result.collect_schema(), fit.collect_schema()
    held = watch.hold(
        result, out_of_reach(IN_MICROSECONDS, planned, stored) if isinstance(output, Delta) else nothing_refused
    )
    return partition.fit_keys(fit_delta(held) if isinstance(output, Delta) else held, columns)


def _stage(
    context: Context,
    definition: Definition[Any],
    result: pl.LazyFrame,
    target: stage.Target,
    rules: list[Rule],
    watch: Watch,
    progress: Progress,
    scratch: Path,
) -> _Staged:
    spec = context.job.checks
    tally = Tally()
    # Right above the transform: left to itself the optimiser may share less than all of it, and a shuffled or sampled row
    # that is evaluated twice can be good and bad at once, or neither.
    halves = _split(result.cache(), definition)
    sinks = stage.Sinks(target, _options(target.base, context))
    planned = result.collect_schema()

    def held(rows: pl.LazyFrame) -> pl.LazyFrame:
        return hold(rows, rules, target.base, watch.failures)

    def audited(sinks: stage.Sinks, target: stage.Target, planned: pl.Schema, tally: Tally) -> list[stage.StagedFile]:
        sinks.sweep_empty(context.storage)
        files, storage = sinks.files(), context.storage
        return staged_footers.compare(files, target.base, storage, planned=planned, tally=tally, scratch=scratch)

    if spec is None or halves is None or not halves.rules:
        stage.run_sinks(sinks.sink(watch.rows(held(result), target, tally, progress.add_rows)), None, watch.failures)
        files = audited(sinks, target, planned, tally)
        checks = (
            CheckResult(schema=spec.schema, policy=spec.policy, rows_checked=tally.rows, rows_failed=0) if spec else None
        )
        return _Staged(files, checks, [], pl.Schema())

    rejected, bad_tally = quarantine.target(context, scratch), Tally()
    rejects = stage.Sinks(rejected, _options(rejected.base, context))

    def plans(halves: check.Split) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        good = watch.rows(held(halves.good), target, tally, progress.add_rows)
        return sinks.sink(good), rejects.sink(watch.rows(_kept(halves, spec), rejected, bad_tally, _uncounted))

    good, bad = plans(halves)
    if not stage.shares_one_pass(good, bad):
        halves = _split(stage.spool(result, scratch / "spill", context.attempt.uid), definition)
        assert halves is not None, "it was one above"
        good, bad = plans(halves)
    stage.run_sinks(good, bad, watch.failures)

    progress.enter(Phase.CHECK)
    files = audited(sinks, target, planned, tally)
    bad_schema = _kept(halves, spec).collect_schema()
    bad_files = audited(rejects, rejected, bad_schema, bad_tally)
    checks = quarantine.result(context, rejected, files, bad_files, halves.rules)
    _judge(context, checks)
    return _Staged(files, checks, bad_files, bad_schema)


def _kept(halves: check.Split, spec: CheckSpec) -> pl.LazyFrame:
    """The bad rows; without a quarantine only the rules' results are wanted, not the rows."""
    return halves.bad if spec.quarantine else halves.bad.select(halves.rules)


def _uncounted(_rows: int) -> None:
    """Progress counts the rows that are published."""


def _options(base: str, context: Context) -> dict[str, Any]:
    return polars_options(base, context.storage)


def _split(frame: pl.LazyFrame, definition: Definition[Any]) -> check.Split | None:
    if definition.schema is None:
        return None
    return check.split(frame, definition.schema, what="the output", category=Category.OUTPUT_MISMATCH)


def _judge(context: Context, checks: CheckResult) -> None:
    """Raises ChecksFailed where the policy says that these rows must not be published."""
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
