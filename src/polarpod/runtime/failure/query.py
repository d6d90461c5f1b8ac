"""Rules for failures of the job's query. It runs after the job's function has returned, so no frame of the job's file is on
the stack: Polars' text for the expression or the step is the only pointer into the job."""

from __future__ import annotations

from polarpod.contract.verdict import Category
from polarpod.runtime.failure.rule import Rule

_MEND = "Look for that expression in the transform. `polarpod run` with the same parameters repeats it on a laptop."

CRASH = Rule(
    # A panic is a bug in Polars, also where a line of the job triggered it; a PanicException is not an Exception.
    Category.JOB_CRASHED,
    "Polars itself failed (a panic in its Rust code)",
    "Find the expression by leaving parts of the transform out, and write it in another way; then tell Polars' "
    "developers. The log has the panic's own stack.",
    kinds=("pyo3_runtime.PanicException",),
)

EXPRESSION = Rule(
    # Only a plan or an expression is quoted with these texts, and polarpod adds none that can fail.
    Category.JOB_FAILED,
    "an expression of the transform failed: {what}",
    _MEND,
    kinds=("polars.exceptions.PolarsError",),
    text=r"^(?P<what>[^\n]*).*(?:This error occurred in the following expression|Resolved plan until failure)",
)

QUERY = Rule(
    # All other errors: lengths that differ, joins that are not 1:1, indices out of bounds. Errors about the content of
    # inputs have their own rules before this one, and repeat on a retry as well.
    Category.JOB_FAILED,
    "the transform's query failed: {what}",
    _MEND,
    kinds=("polars.exceptions.PolarsError",),
    text=r"^(?P<what>[^\n]*)",
    phases=("transform", "stage", "check"),
)
