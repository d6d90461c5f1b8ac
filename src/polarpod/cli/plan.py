"""`polarpod plan`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from polarpod.cli.options import (
    Setting,
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
from polarpod.cli.tables import Rows
from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt
from polarpod.contract.dataset import publish_mode
from polarpod.contract.resources import format_bytes
from polarpod.launch.plan import Plan, make_plan
from polarpod.launch.planes.registry import kind_of
from polarpod.launch.rerun_reasons import changes_since_standing
from polarpod.launch.row_counts import count_rows
from polarpod.launch.run import RunOptions, context_of, skip
from polarpod.store.location import normal


@click.command()
@click.argument("job", shell_complete=complete_job)
@click.option("--param", "-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the job; repeat it.")
@click.option("--manifest", is_flag=True, help="Print the pod that would be made, as YAML, on a plane of pods.")
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
    manifest: bool,
    as_json: bool,
) -> int:
    """Show what a run would read, write and get, and start nothing."""
    chosen = setting(plane, planes)
    plan = make_plan(
        job,
        parse_params(params),
        specs=specs(chosen, jobs, release),
        plane_name=chosen.name,
        plane=chosen.plane,
        state=chosen.state,
    )
    if manifest:
        click.echo(_manifest(plan, chosen), nl=False)
        return 0
    rows = count_rows(plan, chosen.plane)
    skipped = skip(plan, chosen.state)
    changed = [] if skipped else changes_since_standing(plan, chosen.state)
    if as_json:
        say_json(
            {
                "job": plan.job,
                "run_key": plan.run_key,
                "fingerprint": plan.fingerprint,
                "code_version": plan.code_version,
                "inputs": {
                    name: {
                        "uri": found.uri,
                        "files": len(found.files),
                        "bytes": found.bytes,
                        "rows": rows[name],
                        "version": found.version,
                        "left_out": found.left_out,
                    }
                    for name, found in plan.listings.items()
                },
                "resources": plan.size.resources,
                "size_reason": plan.size.reason,
                "stop": plan.size.stop,
                "would_skip": skipped is not None,
                "changed": changed,
                "rows_changed_by": list(plan.standing.changes),
                "dependencies": plan.dependencies,
            }
        )
        return plan.size.stop.exit_code if plan.size.stop else 0
    click.echo(f"{plan.job.name}  run key {plan.run_key}  on plane {plan.plane}\n")
    inputs = Rows("input", "files", "bytes", "rows", "where", right=("files", "bytes", "rows"), gives_way=("bytes", "files"))
    for name, found in plan.listings.items():
        counted = rows[name]
        inputs.add_row(
            name,
            f"{len(found.files):,}",
            format_bytes(found.bytes),
            "-" if counted is None else f"{counted:,}",
            found.uri,
        )
    inputs.show()
    for name, found in plan.listings.items():
        for left in found.left_out:
            click.echo(f"{name}: {left.text()}")
    output = plan.job.output
    owned = f" {output.replace}" if output.replace else ""
    click.echo(f"publishes  {publish_mode(output)}{owned} to {type(output).__name__} {normal(output.uri)}")
    size = plan.size.resources
    click.echo(f"size       {format_bytes(size.memory_bytes)}, {size.cpu:g} cpu: {plan.size.reason}")
    click.echo(f"deadline   {plan.job.deadline_seconds} s")
    for number, change in enumerate(changed):
        click.echo(f"{'' if number else 'would run':<10} {change}")
    if plan.size.stop:
        say_verdict(plan.size.stop, as_json=False)
        return plan.size.stop.exit_code
    if skipped:
        finished, *more = skipped.verdict.evidence
        click.echo(f"would skip {skipped.verdict.summary} ({finished})")
        for line in filter(None, [*more, skipped.verdict.remedy]):
            click.echo(f"{'':<10} {line}")
    return 0


def _manifest(plan: Plan, chosen: Setting) -> str:
    """The manifest of the next attempt as YAML, except for its number and uid, which only a launch claims."""
    attempt = Attempt(number=(plan.standing.number or 0) + 1, uid="0" * 32)
    context = context_of(plan, chosen.plane, chosen.state, RunOptions(), attempt=attempt, now=dt.datetime.now(dt.UTC))
    return kind_of(chosen.plane).render(chosen.plane, context, encode(context))
