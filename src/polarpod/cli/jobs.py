"""`polarpod jobs`."""

from __future__ import annotations

from pathlib import Path

import click

from polarpod.cli.options import ends_in_verdict, job_options, json_option, plane_options, say_json, setting, specs
from polarpod.cli.tables import Rows
from polarpod.contract.dataset import publish_mode
from polarpod.contract.resources import format_bytes


@click.command()
@plane_options
@job_options
@json_option
@ends_in_verdict
def command(plane: str, planes: Path | None, jobs: Path | None, release: Path | None, *, as_json: bool) -> int:
    """List the jobs and what they need. The exit code says whether a module of theirs is broken."""
    chosen = setting(plane, planes)
    found = specs(chosen, jobs, release)
    code = found.broken[0].verdict.exit_code if found.broken else 0
    if as_json:
        say_json({"code_version": found.code_version, "jobs": found.jobs, "broken": found.broken})
        return code
    rows = Rows(
        "job", "parameters", "inputs", "publishes", "size", "what it does",
        gives_way=("inputs", "size", "publishes"),
        prose=("inputs", "what it does"),
    )  # fmt: skip
    for name, spec in sorted(found.jobs.items()):
        rows.add_row(
            name,
            ", ".join(param for param in spec.params if param not in chosen.plane.variables) or "-",
            ", ".join(spec.inputs) or "-",
            f"{publish_mode(spec.output)} {type(spec.output).__name__}",
            f"{spec.resources.cpu:g} cpu, {format_bytes(spec.resources.memory_bytes)}",
            spec.doc,
        )
    rows.show()
    for broken in found.broken:
        click.echo(f"\npolarpod: {broken.verdict.text()}", err=True)
    return code
