"""Verifies every line of a CSV file against RFC 4180.

Polars splits a file at line breaks and counts quotes to find those that end a row. One misplaced quote shifts all later
rows, and Polars detects that only in columns that it parses. So the structure is verified first, which guarantees that
Polars reads the file as written: a quote opens a field, closes it, or is doubled within; every record has the header's
number of fields; a line break outside quotes ends a record.

One regular expression tests each physical line in Polars' own threads. A line that is a whole record leaves no quote open,
so if every line matches, the file is valid. Lines that do not match are parts of records with line breaks in quotes, or
faults: only those are joined and checked in Python.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import polars as pl

# A longer record (in characters) counts as a quote that never ends; it stays in memory during the search for its end.
_LONGEST_RECORD = 64 * 2**20
# Counted repetitions make the automaton as long as the record; beyond this many fields it exceeds Polars' cache and runs ten
# times slower, so fields are then counted in a second step.
_COUNTED_FIELDS = 256
_QUOTED = '"[^"]*"'
BYTE_ORDER_MARK = "\ufeff"


class Fault(NamedTuple):
    """A fault of a file: its physical line, a description, and the text of the line or record."""

    line: int
    what: str
    text: str


class Format(NamedTuple):
    """The format of a record."""

    separator: str
    fields: int

    def is_record(self, line: pl.Expr) -> pl.Expr:
        """Returns an expression: whether a physical line is a whole record."""
        # An empty line would match as a record of one empty field.
        if self.fields <= _COUNTED_FIELDS:
            counted = _record(self.separator, f"{{{self.fields - 1}}}")
            return line.str.contains(f"^(?:{counted})$") & (line != "")
        separators = line.str.replace_all(_QUOTED, "").str.count_matches(self.separator, literal=True)
        return line.str.contains(f"^(?:{_record(self.separator, '*')})$") & (separators == self.fields - 1)

    def why_not(self, record: str) -> str | None:
        """Returns the fault of one record, or None."""
        if not record:
            return "no fields: it is blank"
        if "\0" in record:
            return "a NUL byte (a file that is cut off, or UTF-16)"
        bare = re.sub(_QUOTED, "", record)
        if "\r" in bare:
            return "a carriage return outside of quotes (line ends are mixed, or those of an old Mac)"
        if not re.fullmatch(_record(self.separator, "*+", possessive="+"), record):
            return "a quote in the middle of a field"
        found = bare.count(self.separator) + 1
        if found != self.fields:
            few = "more" if found > self.fields else "fewer"
            return f"{few} fields than the header: {found} instead of {self.fields}"
        return None

    def may_go_on(self, line: str) -> bool:
        """Whether a line with an odd number of quotes ends within a quoted field."""
        field = _field(self.separator, "+")
        return bool(re.fullmatch(f'(?:{field}{_literal(self.separator)})*+"(?:[^"\\x00]|"")*+', line))


def _field(separator: str, possessive: str = "") -> str:
    plain = f'[^"\\r\\n\\x00{_literal(separator)}]*{possessive}'
    return f'(?:"(?:[^"\\x00]|""){"*" + possessive}"|{plain})'


def _record(separator: str, times: str, possessive: str = "") -> str:
    field = _field(separator, possessive)
    return f"{field}(?:{_literal(separator)}{field}){times}"


def _literal(separator: str) -> str:
    """Returns the separator as a regular expression that Python and Rust both accept."""
    return f"\\x{ord(separator):02x}"


class Header(NamedTuple):
    """The first record: its names and its number of physical lines."""

    names: list[str]
    lines: int


def read_header(lines: Iterable[str], separator: str) -> Header:
    """Returns the header in the first lines of a file; without names where the first line is blank.

    Raises:
        csv.Error: the first record is malformed.
    """
    with_ends = (f"{line.removeprefix(BYTE_ORDER_MARK) if not at else line}\n" for at, line in enumerate(lines))
    reader = csv.reader(with_ends, delimiter=separator, strict=True)
    return Header(next(reader, []), reader.line_num)


def find_fault(batches: Iterable[pl.Series], form: Format) -> Fault | None:
    """Returns the first fault in the lines of a file, or None."""
    for start, record, open_ended in _doubtful(batches, form):
        if open_ended:
            first = record.partition("\n")[0]
            return Fault(start, "a quote that never ends", first)
        if why := form.why_not(record):
            return Fault(start, why, record)
    return None


def _doubtful(batches: Iterable[pl.Series], form: Format) -> Iterator[tuple[int, str, bool]]:
    """Yields the records that are not one whole line: number of the first line, text, whether the end is missing."""
    pending: list[str] = []
    size = start = passed = 0
    for batch in batches:
        lines = batch if passed else _without_mark(batch)
        matches = lines.to_frame("line").select(form.is_record(pl.col("line"))).to_series()
        doubtful = iter((~matches).arg_true().to_list())
        at = 0
        while at < len(lines):
            if not pending:
                at = next((index for index in doubtful if index >= at), len(lines))
                if at == len(lines):
                    break
                line = str(lines[at])
                start, at = passed + at + 1, at + 1
                if line.count('"') % 2 == 0 or not form.may_go_on(line):
                    yield start, line, False
                    continue
                pending, size = [line], len(line)
                continue
            line = str(lines[at])
            at += 1
            pending.append(line)
            size += len(line)
            if line.count('"') % 2:
                yield start, "\n".join(pending), False
                pending = []
            elif size > _LONGEST_RECORD:
                yield start, pending[0], True
                return
        passed += len(lines)
    if pending:
        yield start, pending[0], True


def _without_mark(lines: pl.Series) -> pl.Series:
    """Returns the first lines of a file without a byte order mark."""
    if lines.is_empty():
        return lines
    first = lines.head(1).str.strip_prefix(BYTE_ORDER_MARK)
    return pl.concat([first, lines.slice(1)])
