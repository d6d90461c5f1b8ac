"""What went wrong with the job's query. It runs long after the job's function has returned, so no line of the job's
file is on the stack: Polars' words for the expression or the step are all there is to point with."""

from __future__ import annotations

from polarpod.contract.verdict import Category
from polarpod.runtime.failure.rule import Rule

_MEND = "Look for that expression in the transform. `polarpod run` with the same parameters repeats it on a laptop."

CRASH = Rule(
    # A panic is a bug in Polars, also where the job's own line set it off; a PanicException is no Exception at all.
    Category.JOB_CRASHED,
    "Polars itself failed (a panic in its Rust code)",
    "Find the expression by leaving parts of the transform out, and write it in another way; then tell Polars' "
    "developers. The log has the panic's own stack.",
    kinds=("pyo3_runtime.PanicException",),
)

EXPRESSION = Rule(
    # Only a plan or an expression is quoted with these words, and polarpod adds none that can fail.
    Category.JOB_FAILED,
    "an expression of the transform failed: {what}",
    _MEND,
    kinds=("polars.exceptions.PolarsError",),
    text=r"^(?P<what>[^\n]*).*(?:This error occurred in the following expression|Resolved plan until failure)",
)

QUERY = Rule(
    # What is left: lengths that differ, joins that are not 1:1, indices out of bounds. Errors about the content of
    # inputs have rules of their own before this one, and repeat on a retry just the same.
    Category.JOB_FAILED,
    "the transform's query failed: {what}",
    _MEND,
    kinds=("polars.exceptions.PolarsError",),
    text=r"^(?P<what>[^\n]*)",
    phases=("transform", "stage", "check"),
)
