"""The physical lines of text files, read with Polars: local or S3, plain, gzip or zstd, always UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError

LINE = "line"
# Enough lines to keep Polars busy between two Python calls, few enough for memory: 10 MB at 100 bytes a line.
_BATCH_LINES = 100_000
# The characters of a line in the evidence: enough to find it with a search.
_EXCERPT = 120
_MOST_NAMED = 5


def scan_lines(file: str, options: dict[str, Any], *, most: int | None = None) -> pl.LazyFrame:
    """Returns the lines of one file, without their line ends. The name is literal, never a glob."""
    return pl.scan_lines([file], name=LINE, glob=False, n_rows=most, **options)


def batches(file: str, options: dict[str, Any]) -> Iterator[pl.Series]:
    """Yields the lines of one file in order, in batches."""
    for batch in scan_lines(file, options).collect_batches(chunk_size=_BATCH_LINES, maintain_order=True):
        yield batch[LINE]


def excerpt(text: str) -> str:
    """Returns a piece of data as evidence: control characters are escaped, a long text is truncated."""
    shown = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text[:_EXCERPT])
    return shown if len(text) <= _EXCERPT else shown + "…"


def unreadable(name: str, kind: str, what: str, file: str, line: int, text: str, remedy: str) -> PolarpodError:
    """Returns the error for a line that violates its format."""
    return PolarpodError(
        Category.INPUT_UNREADABLE,
        f"input {name!r}: a line of {kind} has {what}",
        evidence=[f"{file}, line {line:,}: {excerpt(text)}"],
        remedy=remedy,
    )


def refuse_empty_files(name: str, files: list[str], empty: list[str], *, allow_empty: bool) -> None:
    """Raises PolarpodError where some files have no lines and others have some: most likely a failed upload.

    Where no file has lines, the input is empty, which the caller reports.
    """
    if empty and len(empty) < len(files) and not allow_empty:
        raise PolarpodError(
            Category.INPUT_EMPTY,
            f"input {name!r} has {'a file' if len(empty) == 1 else f'{len(empty):,} files'} without a single line beside "
            "others that have some",
            evidence=[f"{file}: empty" for file in empty[:_MOST_NAMED]],
            remedy="Check the step that delivers it, and deliver the file again. If an empty file is normal, declare the "
            "input with allow_empty=True.",
        )


def is_encoding_error(error: BaseException) -> bool:
    """Whether Polars' scan of lines failed on bytes that are not UTF-8. The error names neither file nor line."""
    return isinstance(error, pl.exceptions.ComputeError) and str(error).startswith("invalid utf8")


def encoding_error(name: str, kind: str, file: str, options: dict[str, Any]) -> PolarpodError:
    """Returns the error for a file that is not UTF-8, with the first such line."""
    replacement = "\ufffd"
    rows = (
        # One column, no quotes: every physical line is a row. The separator is a control character that no text contains.
        pl.scan_csv(
            [file],
            has_header=False,
            separator="\x1f",
            quote_char=None,
            schema={LINE: pl.String},
            encoding="utf8-lossy",
            truncate_ragged_lines=True,
            row_index_name="row",
            raise_if_empty=False,
            glob=False,
            **options,
        )
        .filter(pl.col(LINE).str.contains(replacement, literal=True))
        .head(1)
        .collect()
    )
    row, text = rows.row(0) if rows.height else (0, "")
    hint = "; it looks like UTF-16" if "\0" in text else ""
    return unreadable(
        name,
        kind,
        f"bytes that are not UTF-8{hint}",
        file,
        row + 1,
        text,
        "Deliver the file again as UTF-8, for instance with iconv -f LATIN1 -t UTF-8 (or -f UTF-16).",
    )
