"""`polarpod gc`."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path

import click

from polarpod.cli.options import ends_in_verdict, json_option, plane_options, say_json, setting
from polarpod.cli.tables import Rows
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import Verdict
from polarpod.launch.gc.garbage import Garbage
from polarpod.launch.gc.kept_files import UNSURE
from polarpod.launch.gc.orphaned_logs import keep_log
from polarpod.launch.gc.sweep import delete_part, sweep
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.planes.kind import Leftover
from polarpod.launch.planes.registry import kind_of

_AGAIN = {True: "", False: "; run again with --delete to do it"}


@click.command()
@click.option("--delete", is_flag=True, help="Delete what is found; without it nothing is touched.")
@plane_options
@json_option
@ends_in_verdict
def command(plane: str, planes: Path | None, *, delete: bool, as_json: bool) -> int:
    """Find (and with --delete remove) what failed attempts left behind.

    Looks only at attempts whose worker has ended, at files that no table or manifest ever named, at workers and their
    directories that no launcher waits for, and at documents of attempts that are older than the plane's retention and that
    nothing needs. A table that is damaged is left alone; the exit code says so.
    """
    chosen = setting(plane, planes)
    kind, now = kind_of(chosen.plane), dt.datetime.now(dt.UTC)
    left: list[Verdict] = []
    if delete:
        chosen.state.write_index()
    known = KnownAttempts(chosen.state)
    leftovers = kind.leftovers(chosen.plane, known, now=now)
    if delete:
        for info in known.of(leftover.uid for leftover in leftovers):
            keep_log(info, chosen.state, chosen.plane)
        kind.remove(chosen.plane, leftovers)
    found: list[Garbage] = []
    for part in sweep(
        chosen.state,
        chosen.plane.storage,
        now=now,
        keep=chosen.plane.keep,
        alive=kind.live_attempts(chosen.plane),
        known=known,
        on_left=left.append,
    ):
        found += part.garbage
        if delete:
            delete_part(part, chosen.state, chosen.plane.storage, now=now)
    if as_json:
        say_json(
            {
                "deleted": delete,
                "bytes": sum(item.bytes for item in found) + sum(leftover.bytes for leftover in leftovers),
                "leftovers": [leftover._asdict() for leftover in leftovers],
                "garbage": [item._asdict() for item in found],
                "left": left,
            }
        )
    elif found or leftovers:
        by_what = _by_what(leftovers)
        _show(by_what, found)
        click.echo(f"{'deleted' if delete else 'would delete'} {_summary(by_what, found)}{_AGAIN[delete]}")
    else:
        click.echo("nothing to sweep")
    for verdict in left:
        click.echo(f"polarpod: left alone: {verdict.text()}", err=True)
    damaged = [verdict for verdict in left if verdict.category is not UNSURE]
    return damaged[0].exit_code if damaged else 0


def _by_what(leftovers: list[Leftover]) -> dict[str, list[Leftover]]:
    groups: dict[str, list[Leftover]] = defaultdict(list)
    for leftover in leftovers:
        groups[leftover.what].append(leftover)
    return groups


def _show(by_what: dict[str, list[Leftover]], found: list[Garbage]) -> None:
    for what, group in by_what.items():
        rows = Rows("attempt", "run", what, "why", gives_way=("attempt",), prose=("why",))
        for leftover in group:
            rows.add_row(leftover.uid[:8], leftover.run, leftover.name, leftover.why)
        rows.show()
    if found:
        rows = Rows(
            "attempt", "run", "files", "bytes", "in", right=("files", "bytes"), gives_way=("bytes", "files", "attempt")
        )
        for item in found:
            rows.add_row(item.uid[:8], item.run, f"{len(item.keys):,}", format_bytes(item.bytes), item.uri)
        rows.show()


def _summary(by_what: dict[str, list[Leftover]], found: list[Garbage]) -> str:
    """The totals: "3 files, 1.2 MiB, 2 pods"."""
    counted = []
    if found:
        files, size = sum(len(item.keys) for item in found), sum(item.bytes for item in found)
        counted += [_counted(files, "file"), format_bytes(size)]
    for what, group in by_what.items():
        size = sum(leftover.bytes for leftover in group)
        counted.append(_counted(len(group), what) + (f" of {format_bytes(size)}" if size else ""))
    return ", ".join(counted)


def _counted(count: int, what: str) -> str:
    if count == 1:
        return f"1 {what}"
    return f"{count:,} {what[:-1]}ies" if what.endswith("y") else f"{count:,} {what}s"
