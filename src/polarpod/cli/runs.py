"""`polarpod runs`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from polarpod.cli.options import complete_job, ends_in_verdict, json_option, plane_options, say_json, setting
from polarpod.cli.running import heartbeat_of, state_of
from polarpod.cli.tables import Rows, when
from polarpod.cli.undone import took_back
from polarpod.contract.message import Message
from polarpod.contract.resources import format_bytes
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.lookup import newest_runs
from polarpod.store.parallel_requests import at_once


@click.command()
@click.argument("job", required=False, shell_complete=complete_job)
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@plane_options
@json_option
@ends_in_verdict
def command(job: str | None, limit: int, plane: str, planes: Path | None, *, as_json: bool) -> None:
    """List runs, newest first; each with its newest attempt. Of one that runs: how far it was when it was last heard of."""
    state = setting(plane, planes).state
    found = newest_runs(state, job, limit)
    found.sort(key=lambda info: moment.timestamp() if (moment := _begun(info)) else 0.0, reverse=True)
    heartbeats = at_once(lambda info: heartbeat_of(info, state), found)
    now, heard = dt.datetime.now(dt.UTC), {info.uid: heartbeat for info, heartbeat in zip(found, heartbeats, strict=True)}
    if as_json:
        say_json([_facts(info, heard[info.uid], now) for info in found])
        return
    rows = Rows(
        "run", "attempt", "uid", "verdict", "rows", "wall", "peak", "started",
        right=("attempt", "rows", "wall", "peak"),
        gives_way=("peak", "wall", "started", "attempt", "rows", "uid"),
    )  # fmt: skip
    for info in found:
        receipt, heartbeat = info.receipt, heard[info.uid]
        rows.add_row(
            f"{info.job}/{info.run_key}",
            str(info.number),
            info.uid[:8],
            f"undo of {undone[:8]}" if (undone := took_back(info)) else _verdict(info, heartbeat, now),
            f"{count:,}" if (count := _rows(info, heartbeat)) is not None else "-",
            f"{receipt.usage.wall_seconds:.1f} s" if receipt else f"{heartbeat.elapsed_seconds:.1f} s" if heartbeat else "-",
            format_bytes(peak) if (peak := _peak(info, heartbeat)) is not None else "-",
            when(moment) if (moment := _begun(info)) else "-",
        )
    rows.show()
    if not found:
        click.echo(f"polarpod: no runs{f' of {job!r}' if job else ''} in {state.folder.uri}", err=True)


def _begun(info: AttemptInfo) -> dt.datetime | None:
    """When an attempt was created; for an undo, which has no context, when it was judged; None where only the attempt's
    number is left."""
    if info.context:
        return info.context.created_at
    return info.record.judged_at if info.record else None


def _verdict(info: AttemptInfo, heartbeat: Message | None, now: dt.datetime) -> str:
    if took_back(info):
        return "undone"
    if told := info.record or info.receipt:
        return str(told.verdict.category)
    return "damaged" if info.damaged else state_of(heartbeat, now)


def _rows(info: AttemptInfo, heartbeat: Message | None) -> int | None:
    if info.receipt and info.receipt.published:
        return info.receipt.published.rows
    return heartbeat.rows if heartbeat else None


def _peak(info: AttemptInfo, heartbeat: Message | None) -> int | None:
    if info.record:
        return info.record.memory_peak_bytes
    return heartbeat.memory_peak_bytes if heartbeat else None


def _facts(info: AttemptInfo, heartbeat: Message | None, now: dt.datetime) -> dict[str, object]:
    return {
        "job": info.job,
        "run_key": info.run_key,
        "attempt": info.number,
        "uid": info.uid,
        "verdict": _verdict(info, heartbeat, now),
        "created_at": _begun(info),
        "rows": info.receipt.published.rows if info.receipt and info.receipt.published else None,
        "heartbeat": heartbeat,
        "damaged": list(info.damaged),
        "took_back": took_back(info),
    }
