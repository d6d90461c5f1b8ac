"""`polarpod undo`."""

from __future__ import annotations

from pathlib import Path

import click

from polarpod.cli.options import ends_in_verdict, json_option, plane_options, say_json, setting
from polarpod.launch.run import Clock
from polarpod.launch.undo import undo
from polarpod.launch.undo_target import find


@click.command()
@click.argument("run")
@plane_options
@json_option
@ends_in_verdict
def command(run: str, plane: str, planes: Path | None, *, as_json: bool) -> None:
    """Take back what a run published: the rows before it are there again.

    RUN is job/run-key (its newest attempt whose rows stand), or a uid or the beginning of one.
    """
    chosen = setting(plane, planes)
    info = find(run, chosen.state, chosen.plane.storage)
    done = undo(info, chosen.state, chosen.plane.storage, Clock())
    if as_json:
        say_json({"uri": done.uri, "version": done.version, "removed": done.removed, "restored": done.restored})
        return
    click.echo(
        f"{info.job}/{info.run_key}: attempt {info.number} is taken back. {done.uri} is at version {done.version}, "
        f"{done.removed} files away, {done.restored} back."
    )
