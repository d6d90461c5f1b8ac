"""`polarpod logs`."""

from __future__ import annotations

from pathlib import Path

import click

from polarpod.cli.options import ends_in_verdict, plane_options, setting
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.gc.orphaned_logs import log_of
from polarpod.launch.planes.registry import kind_of


@click.command()
@click.argument("run")
@click.option("--tail", type=click.IntRange(min=1), metavar="LINES", help="Only the last lines.")
@plane_options
@ends_in_verdict
def command(run: str, plane: str, planes: Path | None, *, tail: int | None) -> None:
    """Print the log of a run: what its worker left, or as it grows while its pod works.

    RUN is job/run-key (its newest attempt), or a uid or the beginning of one.
    """
    chosen = setting(plane, planes)
    info = chosen.state.find(run)
    kept = log_of(info, chosen.state, chosen.plane)
    if kept is not None:
        lines = kept.decode(errors="replace").splitlines()
        for line in lines[-tail:] if tail else lines:
            click.echo(line)
        return
    if info.record or info.receipt:
        # an empty log is no error, as with kubectl: scripts that collect logs must not fail for a job without output
        click.echo(
            f"{info.job}/{info.run_key} attempt {info.number} has ended and left no log; "
            f"`polarpod show {info.uid[:8]}` prints its verdict and receipt",
            err=True,
        )
        return
    follow = kind_of(chosen.plane).follow_log
    if info.context is None or not follow(chosen.plane, info.context, click.echo, tail=tail):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "there is no log of this attempt yet",
            evidence=[
                f"{info.job}/{info.run_key} attempt {info.number} has no verdict, and nothing of it can be seen running"
            ],
            remedy="A child process prints where it was launched. If its launcher died, run it again.",
        )
