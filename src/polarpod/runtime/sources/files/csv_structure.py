"""Whether a CSV file is what RFC 4180 says, every line of it.

Polars splits a file at line breaks and counts quotes to know which of them end a row. One quote in the wrong place moves
all rows behind it, and Polars notices only in columns that it parses. So the structure is proven first, and only then
does Polars' reading of it mean what the file says: a quote opens a field, closes it, or is doubled within; every record
has the header's number of fields; a line break outside quotes ends a record.

One regular expression decides over each physical line in Polars' own threads. A line that is a whole record by itself
leaves nothing open, so if every line matches, the file is valid. Lines that do not match are parts of records with line
breaks in quotes, or faults: those alone are joined and judged in Python.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import polars as pl

# A field of more bytes is taken for a quote that never ends; what is read while looking for its end stays in memory.
_LONGEST_RECORD = 64 * 2**20
# Counted repetitions make the automaton as long as the record; beyond this many fields it no longer fits Polars' cache
# and runs ten times slower, so fields are then counted in a second step.
_COUNTED_FIELDS = 256
_QUOTED = '"[^"]*"'
BYTE_ORDER_MARK = "\ufeff"


class Fault(NamedTuple):
    """What is wrong with a file: at which physical line, and what stands there."""

    line: int
    what: str
    text: str


class Format(NamedTuple):
    """What a record has to look like."""

    separator: str
    fields: int

    def is_record(self, line: pl.Expr) -> pl.Expr:
        """Whether a physical line is a whole record."""
        # a line without any character would pass as a record of one empty field
        if self.fields <= _COUNTED_FIELDS:
            counted = _record(self.separator, f"{{{self.fields - 1}}}")
            return line.str.contains(f"^(?:{counted})$") & (line != "")
        separators = line.str.replace_all(_QUOTED, "").str.count_matches(self.separator, literal=True)
        return line.str.contains(f"^(?:{_record(self.separator, '*')})$") & (separators == self.fields - 1)

    def why_not(self, record: str) -> str | None:
        """What is wrong with one record, or None."""
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
    """The separator in a regular expression, spelled so that Python and Rust both take it."""
    return f"\\x{ord(separator):02x}"


class Header(NamedTuple):
    """The first record: its names, and over how many physical lines it goes."""

    names: list[str]
    lines: int


def read_header(lines: Iterable[str], separator: str) -> Header:
    """The header in the first lines of a file; without names where the first line is blank.

    Raises:
        csv.Error: the first record is not one.
    """
    with_ends = (f"{line.removeprefix(BYTE_ORDER_MARK) if not at else line}\n" for at, line in enumerate(lines))
    reader = csv.reader(with_ends, delimiter=separator, strict=True)
    return Header(next(reader, []), reader.line_num)


def find_fault(batches: Iterable[pl.Series], form: Format) -> Fault | None:
    """The first fault in the lines of a file."""
    for start, record, open_ended in _doubtful(batches, form):
        if open_ended:
            first = record.partition("\n")[0]
            return Fault(start, "a quote that never ends", first)
        if why := form.why_not(record):
            return Fault(start, why, record)
    return None


def _doubtful(batches: Iterable[pl.Series], form: Format) -> Iterator[tuple[int, str, bool]]:
    """Records that are not one whole line each: the number of their first line, their text, whether an end is missing."""
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
    """The first lines of a file without the mark some writers put before them."""
    if lines.is_empty():
        return lines
    first = lines.head(1).str.strip_prefix(BYTE_ORDER_MARK)
    return pl.concat([first, lines.slice(1)])
