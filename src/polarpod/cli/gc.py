"""`polarpod gc`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from polarpod.cli.options import ends_in_verdict, json_option, plane_options, say_json, setting
from polarpod.cli.tables import table
from polarpod.contract.resources import format_bytes
from polarpod.launch.sweep import find_garbage, sweep


@click.command()
@click.option("--delete", is_flag=True, help="Delete what is found; without it nothing is touched.")
@plane_options
@json_option
@ends_in_verdict
def command(plane: str, planes: Path | None, *, delete: bool, as_json: bool) -> None:
    """Find (and with --delete remove) what failed attempts left behind.

    Looks only at attempts that are over, and only at files that no table or manifest names.
    """
    chosen = setting(plane, planes)
    found = find_garbage(chosen.state, chosen.plane, now=dt.datetime.now(dt.UTC))
    if delete:
        sweep(found, chosen.plane.storage)
    size = sum(item.bytes for item in found)
    files = sum(len(item.keys) or 1 for item in found)
    if as_json:
        say_json(
            {
                "deleted": delete,
                "bytes": size,
                "garbage": [
                    {"uid": item.uid, "run": item.run, "uri": item.uri, "keys": item.keys, "bytes": item.bytes}
                    for item in found
                ],
            }
        )
        return
    if not found:
        click.echo("nothing to sweep")
        return
    rows = table("attempt", "run", "files", "bytes", "in", right=("files", "bytes"))
    for item in found:
        rows.add_row(item.uid[:8], item.run, f"{len(item.keys) or 1:,}", format_bytes(item.bytes), item.uri)
    rows.show()
    click.echo(
        f"{'deleted' if delete else 'would delete'} {files:,} files, {format_bytes(size)}"
        + ("" if delete else "; run again with --delete to do it")
    )
