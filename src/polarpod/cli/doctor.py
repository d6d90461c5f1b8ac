"""`polarpod doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from polarpod.cli.options import Setting, ends_in_verdict, json_option, plane_options, say_json, setting, specs
from polarpod.contract.verdict import Category, PolarpodError, exit_code_of
from polarpod.launch.planes.registry import kind_of

_MARKS = {"ok": "ok     ", "failed": "FAILED ", "unknown": "unknown"}


@click.command()
@plane_options
@json_option
@ends_in_verdict
def command(plane: str, planes: Path | None, *, as_json: bool) -> int:
    """Try out everything a run on a plane depends on, and say how to mend what fails.

    Starts small workers: a pod of the plane's image, or child processes. Writes and deletes documents below <state>/doctor;
    child processes also do below each variable of the plane that jobs publish to, such as {lake}.
    """
    chosen = setting(plane, planes)
    findings = []
    for finding in kind_of(chosen.plane).examine(chosen.plane, code_version=_code_version(chosen)):
        findings.append(finding)
        if not as_json:
            click.echo(f"{_MARKS[finding.state]} {finding.what}: {finding.found}")
            if finding.remedy:
                click.echo(f"          what to do: {finding.remedy}")
    failed = [finding for finding in findings if finding.state == "failed"]
    if as_json:
        say_json({"plane": plane, "findings": [finding._asdict() for finding in findings]})
    else:
        click.echo(f"{len(failed)} of {len(findings)} failed" if failed else f"all well: {len(findings)} tried")
    return exit_code_of(Category.REQUEST_INVALID) if failed else 0


def _code_version(chosen: Setting) -> str | None:
    """Of the jobs launched from here; None without a usable jobs directory, as in an Airflow deployment."""
    try:
        return specs(chosen, None, None).code_version
    except PolarpodError:
        return None
