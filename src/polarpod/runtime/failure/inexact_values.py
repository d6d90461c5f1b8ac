"""Rules for values that `runtime/sources/exact.py` refuses during a scan. They precede the rule for failed expressions."""

from __future__ import annotations

import re

from polarpod.contract.verdict import Category
from polarpod.runtime.failure.rule import Rule

MARK = "polarpod: "
SATURATED = "holds moments that nanoseconds cannot, which only reach from 1677 to 2262"
ROUNDED = "holds values that the declared type would round"
CUT = "holds moments with digits below the microsecond, which no Delta table has"
CONTRADICTED = "holds another value than its folder's name says"
REMEDIES = {
    SATURATED: "They are stored as INT96, as Spark writes timestamps. Declare the input's schema with Datetime[us] for the "
    "column, which reads them as they are.",
    ROUNDED: "Declare the column with the type it is stored as and round it in the transform, or deliver it in the declared "
    "type.",
    CUT: "Have the table's files written in microseconds. A Parquet input that names one of these files keeps its digits.",
    CONTRADICTED: "Declare the input with hive=False to read the stored column alone, or move the file to the folder it "
    "belongs to.",
}

EXACT = [
    Rule(
        Category.INPUT_MISMATCH,
        "{words}",
        remedy,
        text=rf"failed in column '{MARK}(?P<words>.+? {re.escape(what)})' for \d+ out of",
    )
    for what, remedy in REMEDIES.items()
]
