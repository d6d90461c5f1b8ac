"""`polarpod run`."""

from __future__ import annotations

import functools
import signal
import threading
from pathlib import Path

import click
import msgspec

from polarpod.cli.options import (
    complete_job,
    ends_in_verdict,
    job_options,
    json_option,
    parse_params,
    plane_options,
    say_json,
    say_verdict,
    setting,
    specs,
)
from polarpod.cli.progress_display import Live
from polarpod.cli.receipts import print_receipt
from polarpod.launch.plan import Plan, make_plan
from polarpod.launch.run import Listener, RunOptions, execute


@click.command()
@click.argument("job", shell_complete=complete_job)
@click.option("--param", "-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the job; repeat it.")
@click.option("--force", is_flag=True, help="Run although the same run's receipt stands.")
@plane_options
@job_options
@json_option
@ends_in_verdict
def command(
    job: str,
    params: tuple[str, ...],
    plane: str,
    planes: Path | None,
    jobs: Path | None,
    release: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> int:
    """Run a job and wait for its receipt. The exit code is the verdict's category."""
    chosen = setting(plane, planes)
    given = parse_params(params)
    where = chosen.plane
    if jobs is not None:
        where = msgspec.structs.replace(where, jobs=str(jobs))

    def plan() -> Plan:
        found = specs(chosen, jobs, release)
        return make_plan(job, given, specs=found, plane_name=chosen.name, plane=where, state=chosen.state)

    stop = threading.Event()
    # a second Ctrl-C ends this process, and with it the worker, which watches its launcher
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, functools.partial(_request_stop, stop))
    with Live(quiet=as_json) as live:
        listener = Listener(
            on_attempt=live.attempt,
            on_verdict=live.verdict,
            on_message=live.message,
            on_log=live.log,
            stop=stop.is_set,
            on_warning=live.warning,
        )
        ran = execute(plan, plane=where, state=chosen.state, options=RunOptions(force=force), listener=listener)
    if as_json:
        say_json({"verdict": ran.verdict, "receipt": ran.receipt, "attempts": ran.attempts})
    elif ran.verdict.succeeded:
        assert ran.receipt is not None, "success without a receipt is not one"
        print_receipt(ran.receipt, ran.verdict)
    else:
        say_verdict(ran.verdict, as_json=False)
    return ran.verdict.exit_code


def _request_stop(stop: threading.Event, number: int, _frame: object) -> None:
    stop.set()
    signal.signal(number, signal.SIG_DFL)
