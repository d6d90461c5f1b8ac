"""`polarpod show`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from polarpod.cli.options import ends_in_verdict, json_option, plane_options, say_json, setting
from polarpod.cli.receipts import print_receipt
from polarpod.cli.running import heartbeat_of, words
from polarpod.cli.undone import outcome, taken_back_by, took_back
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.gc.orphaned_logs import log_of
from polarpod.launch.state import State
from polarpod.store.location import join

# lines that fit a screen; the state store has the whole log
_LOG_LINES = 40
# four requests each
_OTHERS = 10
_NO_VERDICT = {
    False: "no verdict: it is running, or its launcher died; run it again to find out",
    True: "no verdict: the document that tells it is damaged; run it again to find out",
}


@click.command()
@click.argument("run")
@plane_options
@json_option
@ends_in_verdict
def command(run: str, plane: str, planes: Path | None, *, as_json: bool) -> None:
    """Show one run: verdict, receipt and log.

    RUN is job/run-key (its newest attempt), or a uid or the beginning of one.
    """
    chosen = setting(plane, planes)
    state = chosen.state
    info = state.find(run)
    heartbeat = heartbeat_of(info, state)
    attempts = _attempts(info, state)
    undo = taken_back_by(info, attempts)
    if as_json:
        verdict = info.record and info.record.verdict
        say_json(
            {
                "context": info.context,
                "receipt": info.receipt,
                "verdict": verdict,
                "heartbeat": heartbeat,
                "damaged": info.damaged,
                "took_back": took_back(info),
                "taken_back_by": undo and undo.uid,
            }
        )
        return
    verdict = info.record.verdict if info.record else info.receipt.verdict if info.receipt else None
    if took_back(info):
        click.echo(f"{info.job}/{info.run_key}  attempt {info.number}  uid {info.uid}")
        click.echo(f"{outcome(info, attempts)}: no run of the job, it read and made no rows")
    elif info.receipt and verdict and verdict.succeeded:
        print_receipt(info.receipt, verdict)
    else:
        click.echo(f"{info.job}/{info.run_key}  attempt {info.number}  uid {info.uid}")
        click.echo(verdict.text() if verdict else _NO_VERDICT[bool(info.damaged)])
    if heartbeat:
        click.echo(f"heartbeat  {words(heartbeat, dt.datetime.now(dt.UTC))}")
    if undo:
        click.echo(f"taken back by attempt {undo.number}, uid {undo.uid[:8]}: its rows are not in the output any more")
    for place in info.damaged:
        click.echo(f"damaged    {place}")
    others = [other for other in attempts if other.uid != info.uid][:_OTHERS]
    for other in others:
        click.echo(f"also       attempt {other.number}  uid {other.uid[:8]}  {outcome(other, attempts)}")
    if older := len(state.claims(info.job, info.run_key)) - len(others) - 1:
        click.echo(f"also       {older:,} more, in {join(state.folder.uri, 'runs', info.job, info.run_key)}")
    log = log_of(info, state, chosen.plane)
    if log and not (verdict and verdict.succeeded):
        lines = log.decode(errors="replace").splitlines()
        click.echo(f"\nlog, last {min(len(lines), _LOG_LINES)} of {len(lines)} lines:")
        for line in lines[-_LOG_LINES:]:
            click.echo(f"  | {line}")
    click.echo(f"\nstate      {state.attempt_uri(info.job, info.run_key, info.uid)}")


def _attempts(info: AttemptInfo, state: State) -> list[AttemptInfo]:
    """The newest attempts of a run, newest first; all where the given one is older, since an undo of it may be older too."""
    newest = state.attempts(info.job, info.run_key, newest=_OTHERS + 1)
    return newest if any(one.uid == info.uid for one in newest) else state.attempts(info.job, info.run_key)
