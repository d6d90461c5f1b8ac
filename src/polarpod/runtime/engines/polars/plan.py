"""Plans the frame to write from the inputs: scan, transform, guards, and the types of the output's format."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from polarpod.contract.context import Context
from polarpod.contract.dataset import Output, partition_columns
from polarpod.contract.definition import Definition
from polarpod.contract.param import typed
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.engine import Inputs
from polarpod.runtime.engines.polars import partition, split_rows
from polarpod.runtime.engines.polars.batches import Watch
from polarpod.runtime.engines.polars.formats.row_format import row_format_of
from polarpod.runtime.engines.polars.formats.stored_types import check_stored
from polarpod.runtime.engines.polars.guards import arithmetic_guard
from polarpod.runtime.host import Host
from polarpod.runtime.progress import Phase, Progress
from polarpod.runtime.sources.scan import scan


class PolarsPlan(NamedTuple):
    """A planned transform.

    Attributes:
        frame: the output's rows, with types of its format.
        watch: the checks of its batches.
        columns: the output's columns, as a frame without rows.
        owned: the partition that the run owns, with its values as text of folders and logs.
    """

    frame: pl.LazyFrame
    watch: Watch
    columns: pl.DataFrame
    owned: dict[str, str]


def plan_transform(
    context: Context, definition: Definition[Any], inputs: Inputs, progress: Progress, host: Host
) -> PolarsPlan:
    output = context.job.output
    frames = {name: scan(name, dataset, inputs.listings[name], context.storage) for name, dataset in inputs.datasets.items()}
    progress.enter(Phase.TRANSFORM)
    split_rows.check_inputs(frames, dict(definition.input_schemas))
    watch = Watch()
    frame = _fitted(_transform(context, definition, frames, progress, host), definition, output, watch)
    schema = frame.collect_schema()
    partition.check_columns(schema, partition_columns(output))
    check_stored(schema)
    owned = output.replace if isinstance(output.replace, dict) else {}
    if owned:
        owned = partition.owned_as_spelled(owned, schema, row_format_of(output).unfit)
    return PolarsPlan(frame, watch, pl.DataFrame(schema=schema), owned)


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
    """Returns the rows with the types of their format. Rows that are cast or checked are first held to their planned types,
    because a cast from another type may silently lose values; other rows are checked only at the sink."""
    columns, rows = partition_columns(output), row_format_of(output)
    fit = partition.fit_keys(rows.fit(result), columns)
    if definition.schema is None and fit.collect_schema() == result.collect_schema():
        return result
    planned, stored = result.collect_schema(), fit.collect_schema()
    held = watch.hold(result, rows.refusal(planned, stored))
    return partition.fit_keys(rows.fit(held), columns)
