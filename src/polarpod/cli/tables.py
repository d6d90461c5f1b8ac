"""Readable tables, with rich, and times for people."""

from __future__ import annotations

import datetime as dt
import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

# wide enough for a pipe or a CI log, which have no width of their own
_PIPED_WIDTH = 160


def console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _PIPED_WIDTH, highlight=False, soft_wrap=False)


class _Rows(Table):
    def show(self) -> None:
        console().print(self)


def table(*headers: str, right: tuple[str, ...] = ()) -> _Rows:
    """A table with these columns; those in `right` hold numbers."""
    rows = _Rows(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        rows.add_column(header, justify="right" if header in right else "left", overflow="fold")
    return rows


def when(moment: dt.datetime) -> str:
    """A moment in UTC, to the second; what logs and dashboards use."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}Z"
