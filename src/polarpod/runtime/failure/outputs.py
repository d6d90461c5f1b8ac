"""Rules for rows that the checks or the published table reject."""

from __future__ import annotations

from polarpod.contract.verdict import Category
from polarpod.runtime.failure.inputs import DAMAGED_LOG
from polarpod.runtime.failure.rule import PUBLISHING, Rule

_DELTA = ("_internal.DeltaError",)

OUTPUTS: list[Rule] = [
    Rule(
        Category.CHECKS_FAILED,
        "rows break the checks",
        "Mend the data or the rule; or set bad rows aside with Check(schema, quarantine=...).",
        kinds=("dataframely.exc.ValidationError",),
    ),
    Rule(
        # A lazy validation fails inside Polars, which reports only the failure of a plugin.
        Category.CHECKS_FAILED,
        "rows break the checks",
        "Mend the data or the rule; or set bad rows aside with Check(schema, quarantine=...).",
        text=r"the plugin failed with message:.*rules failed validation",
    ),
    Rule(
        Category.OUTPUT_MISMATCH,
        "the output does not have the columns of its schema",
        "Make the transform and the schema agree.",
        kinds=("dataframely.exc.SchemaError",),
    ),
    Rule(
        Category.OUTPUT_MISMATCH,
        "the output does not have the columns of the Delta table",
        "Make the transform and the table agree; to change the table's schema, publish to a new one.",
        kinds=("_internal.SchemaMismatchError",),
    ),
    Rule(
        # deltalake raises this as a bare Exception; the message is Arrow's, and only its casts begin with this text.
        Category.OUTPUT_MISMATCH,
        "a value of the output does not fit the type of the Delta table's column",
        "Cast the column in the transform to the table's type.",
        text="^Cast error: ",
    ),
    Rule(
        Category.OUTPUT_MISMATCH,
        "the output has a column of a type that Delta tables cannot hold",
        "Cast it in the transform: a Duration to Int64, an Int128 to Decimal, an all-null column to the type it means.",
        text=r"Invalid data type for Delta Lake|still not supported in Rust implementation|The datatype \"Null\"",
    ),
    Rule(
        Category.OUTPUT_MISMATCH,
        "the output has rows outside the part of the table that this run replaces",
        "Filter the rows in the transform, or correct `replace` of the output.",
        kinds=_DELTA,
        text="rows failed validation check",
    ),
    Rule(
        Category.OUTPUT_MISMATCH,
        "several rows of the output have the same merge key",
        "Make the rows unique by the columns of `merge` in the transform.",
        kinds=_DELTA,
        text="(?i)multiple source rows",
    ),
    Rule(
        Category.REQUEST_INVALID,
        "`replace` or `partition_by` of the output does not fit the Delta table",
        "Name columns that the table has, and the partition columns it was created with.",
        kinds=_DELTA,
        text=r"partitioning does not match|No field named|sql parser error",
    ),
    Rule(
        # A lost race is retried before this rule applies.
        Category.PUBLISH_REFUSED,
        "the Delta table does not take this commit",
        "Look at the table's properties and features in the evidence; publish in a way that it allows, or to another table.",
        kinds=("_internal.CommitFailedError",),
        phases=PUBLISHING,
    ),
    Rule(
        Category.PUBLISH_REFUSED,
        "the log of the output's Delta table is damaged, or needs a newer writer",
        "Restore its _delta_log from a backup, or upgrade polarpod if the evidence names an unsupported feature.",
        kinds=_DELTA,
        text=DAMAGED_LOG,
        phases=PUBLISHING,
    ),
]
