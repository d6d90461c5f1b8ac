"""Rules for failures of inputs. Applied only where no line of the job's own code was running.

Polars' errors about expressions are matched before: those name the expression or the plan, errors of inputs never do.
"""

from __future__ import annotations

from polarpod.contract.verdict import Category
from polarpod.runtime.failure.rule import READING, Rule

DAMAGED_LOG = r"Kernel error: (?:Json|Generic delta kernel) error|Invalid Checkpoint|No table metadata|Unsupported: "
_POLARS = ("polars.exceptions.PolarsError",)

INPUTS: list[Rule] = [
    Rule(
        # Messages of Rust and of a Delta scan. A Python FileNotFoundError of polarpod's own code is a bug, not an input.
        Category.INPUT_MISSING,
        "an input does not exist",
        "Check the step that delivers it, and the input's URI.",
        kinds=("builtins.FileNotFoundError",),
        text=r"\(os error 2\)|Object at location|python dataset scan",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISSING,
        "an input is no Delta table",
        "Check the step that makes it, and the input's URI.",
        kinds=("_internal.TableNotFoundError",),
        phases=READING,
    ),
    Rule(
        # A glob without a match, or a listing that no object backs: some stores answer that with 404.
        Category.INPUT_MISSING,
        "no file matches an input",
        "Check the step that delivers it, and the input's URI.",
        text=r"expanded paths were empty|non-2xx status code: 404",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISSING,
        "the Delta table has no such version",
        "Read a newer version: this one is not written yet, or its log has been cleaned up.",
        text="LogSegment end version",
        phases=READING,
    ),
    Rule(
        Category.INPUT_UNREADABLE,
        "the log of a Delta table is damaged, or needs a newer reader",
        "Restore its _delta_log from a backup, or upgrade polarpod if the evidence names an unsupported feature.",
        kinds=("_internal.DeltaError",),
        text=DAMAGED_LOG,
        phases=READING,
    ),
    Rule(
        Category.INPUT_EMPTY,
        "an input file is empty",
        "Check the step that delivers it: a file without rows still has a header, or is not there.",
        text=r"empty CSV|Cannot infer NDJSON types on empty reader",
        phases=READING,
    ),
    Rule(
        # Compressed files raise a plain OSError with no number and no path, only these messages.
        Category.INPUT_UNREADABLE,
        "a compressed input file is damaged or cut short",
        "Deliver it again; write it under another name and rename it when it is whole.",
        kinds=("builtins.OSError",),
        text=r"^(?:unexpected end of file|corrupt (?:gzip|deflate|zlib)|incomplete frame|Data corruption detected"
        r"|Unknown frame descriptor|Restored data doesn't match checksum|Src size is incorrect|Unsupported frame parameter)",
        phases=READING,
    ),
    Rule(
        Category.INPUT_UNREADABLE,
        "a Parquet input file is damaged, cut short or not Parquet",
        "Deliver it again; write it under another name and rename it when it is whole.",
        kinds=_POLARS,
        text="parquet: File out of specification",
        phases=READING,
    ),
    Rule(
        Category.INPUT_UNREADABLE,
        "a line of a CSV input has a quote that never ends, more fields than the header, or bytes that are not UTF-8",
        "Deliver the file again with fields that hold separators or line breaks in quotes, as UTF-8.",
        kinds=_POLARS,
        text=r"is not properly escaped|found more fields than defined in 'Schema'|invalid utf-8 sequence",
        phases=READING,
    ),
    Rule(
        Category.INPUT_UNREADABLE,
        "a line of an NDJSON input is not a JSON object",
        "Deliver the file again with one whole JSON object on each line, as UTF-8.",
        kinds=_POLARS,
        text=r"error parsing line|NDJSON line expected|not contain valid UTF-8|^(?:Syntax|InternalError\S+) at char",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISMATCH,
        "column {column!r} of an input holds {value!r}, which is not {dtype}",
        "Mend the data, declare the column as String, or list the text in null_values if it means no value.",
        kinds=_POLARS,
        text=r"could not parse `(?P<value>.{0,80}).*?` as dtype `(?P<dtype>[^`]+)` at column '(?P<column>.+?)' "
        r"\(column number",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISMATCH,
        "a field of an NDJSON input holds {value!r}, which is not {dtype}",
        "Mend the data, or declare the type it has in the input's schema.",
        kinds=_POLARS,
        text=r"^cannot parse '(?P<value>.{0,80}).*?' \(\w+\) as (?P<dtype>\w+)",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISMATCH,
        "column {column!r} of an input is {found}, not {wanted}",
        "Deliver the column in one type, or declare the input's schema, with a type that holds every file's: numbers "
        "are then widened, zones of moments converted, and categories read as String. Where no type does, read the files as "
        "two inputs, and unite them in the transform.",
        kinds=_POLARS,
        # A type's name may contain commas and colons, in zones, decimals and structs.
        text=r"data type mismatch for column (?P<column>.+?): incoming: (?P<found>.+?) != target: "
        r"(?P<wanted>.+?)(?:, (?:hint: |incoming dtype |encountered )|\n|$)",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISMATCH,
        "a file of an input lacks column {column!r}",
        "Deliver the column, or declare the input's schema: what an older Parquet file lacks is then null.",
        kinds=_POLARS,
        text=r"did not find column (?P<column>.+), consider passing `",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISMATCH,
        "a CSV input does not have the declared columns",
        "Make the header and the input's schema agree; they are compared by name.",
        kinds=_POLARS,
        text=r"not found in CSV file|CSV file contained column names|schema lengths differ",
        phases=READING,
    ),
    Rule(
        Category.INPUT_MISMATCH,
        "a file of an input has the extra column {column!r}",
        "Declare the input's schema: columns beyond it are then left out.",
        kinds=_POLARS,
        text=r"extra column in file outside of expected schema: (?P<column>.+?)(?:, hint|\. File|$)",
        phases=READING,
    ),
    Rule(
        # The scan phase reads only inputs, so every other Polars error in it concerns their content.
        Category.INPUT_UNREADABLE,
        "Polars cannot read an input",
        "Look at the file named in the evidence with pl.scan_parquet, scan_csv or scan_ndjson on its own.",
        kinds=_POLARS,
        phases=("scan",),
    ),
]
