"""Prints tables, with rich, and times for people.

A value that is copied from a table (a run, a uid, a path) is never wrapped, for any terminal width: a name broken into two
lines cannot be searched for. So whole columns are omitted, the least important first, and the last line names them; only
sentences are wrapped. A pipe has no width and gets all columns.
"""

from __future__ import annotations

import datetime as dt
import sys

import click
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

# the width for pipes and CI logs, which have none
_PIPED_WIDTH = 160
# the minimum for readable sentences
_NARROWEST = 24
# more than any table needs
_ENDLESS = 100_000


class _Console(Console):
    """Never hides the cursor: a killed process could leave it hidden."""

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002  # as `Console`
        return False


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    chosen = width or (None if stream.isatty() else _PIPED_WIDTH)
    return _Console(stderr=stderr, width=chosen, highlight=False, soft_wrap=False)


class Rows:
    """A table that is filled row by row.

    Args:
        right: columns of numbers, aligned right.
        gives_way: columns to omit on a narrow terminal, in this order.
        prose: columns of sentences, which may be wrapped.
    """

    def __init__(
        self, *headers: str, right: tuple[str, ...] = (), gives_way: tuple[str, ...] = (), prose: tuple[str, ...] = ()
    ) -> None:
        self._headers, self._right, self._gives_way, self._prose = headers, right, gives_way, prose
        self._rows: list[tuple[str, ...]] = []

    def add_row(self, *cells: str) -> None:
        self._rows.append(cells)

    def show(self) -> None:
        on_terminal = sys.stdout.isatty()
        room = console().width
        gone: list[str] = []
        for header in self._gives_way if on_terminal else ():
            if self._least(gone) <= room:
                break
            gone.append(header)
        console(width=max(room, self._least(gone))).print(self._table(gone))
        if gone:
            click.echo(f"left out for the terminal's width: {', '.join(gone)}")

    def _least(self, gone: list[str]) -> int:
        """The width, in characters, that the table needs without these columns."""
        endless = console(width=_ENDLESS)
        return Measurement.get(endless, endless.options, self._table(gone)).minimum

    def _table(self, gone: list[str]) -> Table:
        kept = [at for at, header in enumerate(self._headers) if header not in gone]
        made = Table(*(self._column(at) for at in kept), box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for row in self._rows:
            made.add_row(*(Text(row[at]) for at in kept))
        return made

    def _column(self, at: int) -> Column:
        header = self._headers[at]
        longest = max(cell_len(text) for text in (header, *(row[at] for row in self._rows)))
        right = header in self._right
        if header in self._prose:
            return Column(header, justify="right" if right else "left", min_width=min(longest, _NARROWEST), overflow="fold")
        return Column(header, justify="right" if right else "left", min_width=longest, no_wrap=True)


def when(moment: dt.datetime) -> str:
    """A time in UTC, to the second, as in logs and dashboards."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}Z"
