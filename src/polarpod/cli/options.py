"""Shared by the commands: options for planes, jobs and state, and the handling of errors."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import click

from polarpod.cli.damage import DamageReport
from polarpod.contract.codec import encode
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes_file import Planes, choose_plane, load_planes, take_credentials
from polarpod.launch.specs import Specs, from_jobs, from_release
from polarpod.launch.state import State
from polarpod.store.location import refuse_below_a_file

P = ParamSpec("P")
R = TypeVar("R")

_LOCAL = Path(".polarpod")


class Setting(NamedTuple):
    """A plane, its name, and the state store."""

    name: str
    plane: Plane
    state: State


def plane_options(function: Callable[P, R]) -> Callable[P, R]:
    """--plane and --planes."""
    function = click.option(
        "--planes",
        type=click.Path(path_type=Path),
        envvar="POLARPOD_PLANES",
        help="The planes file. [default: dags/planes.yaml where there is one]",
    )(function)
    return click.option(
        "--plane", default="process", show_default=True, help="Where to run.", shell_complete=_complete_plane
    )(function)


def job_options(function: Callable[P, R]) -> Callable[P, R]:
    """--jobs and --release."""
    function = click.option(
        "--jobs",
        type=click.Path(path_type=Path),
        envvar="POLARPOD_JOBS",
        help="The jobs directory. [default: the plane's]",
    )(function)
    return click.option(
        "--release",
        type=click.Path(path_type=Path),
        envvar="POLARPOD_RELEASE",
        help="Run the jobs of this release document instead of the directory's.",
    )(function)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


def setting(plane: str, planes: Path | None) -> Setting:
    """The plane of a command. Without a planes file the only one is this machine, with all files in ./.polarpod."""
    path = planes or (Path("dags/planes.yaml") if Path("dags/planes.yaml").is_file() else None)
    if path is None:
        here = Path.cwd()
        lake = {"lake": str(here / _LOCAL / "lake")}
        builtin = ProcessPlane(state=str(here / _LOCAL / "state"), root=str(here), variables=lake)
        known = Planes({"process": builtin})
        source = "without a planes file, polarpod"
    else:
        known, source = load_planes(path), str(path)
    chosen = choose_plane(known, plane, source=source)
    take_credentials(chosen)
    refuse_below_a_file("the plane's state", chosen.state)
    report = DamageReport()
    if context := click.get_current_context(silent=True):
        context.call_on_close(report.close)
    return Setting(plane, chosen, State(chosen.state, chosen.storage, on_damage=report.tell))


def specs(chosen: Setting, jobs: Path | None, release: Path | None) -> Specs:
    """The jobs of a command: those of the release document, else of the jobs directory."""
    if release is not None:
        return from_release(release)
    folder = jobs or Path(chosen.plane.jobs)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polarpod" / "specs"
    return from_jobs(folder, python=chosen.plane.python, cache=cache)


def parse_params(pairs: tuple[str, ...]) -> dict[str, str]:
    """("ds=2013-02-01",) -> {"ds": "2013-02-01"}."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"{pair!r} is not a parameter",
                remedy="Write --param name=value.",
            )
        if name in found:
            raise PolarpodError(
                Category.REQUEST_INVALID, f"parameter {name!r} is given twice", remedy="Give each parameter once."
            )
        found[name] = value
    return found


def ends_in_verdict(function: Callable[P, int | None]) -> Callable[P, None]:
    """Turns a PolarpodError into text (or JSON) and its exit code, without a traceback."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = function(*args, **kwargs) or 0
        except PolarpodError as error:
            say_verdict(error.verdict, as_json=bool(kwargs.get("as_json")))
            code = error.verdict.exit_code
        except KeyboardInterrupt:
            click.echo("polarpod: stopped.", err=True)
            code = 130  # the shells' exit code for a command ended by Ctrl-C
        except BrokenPipeError:
            # `polarpod runs | head`: the reader has closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        raise SystemExit(code)

    return wrapped


def say_verdict(verdict: Any, *, as_json: bool) -> None:
    if as_json:
        say_json({"verdict": verdict})
    else:
        click.echo(f"polarpod: {verdict.text()}", err=True)


def say_json(document: object) -> None:
    click.echo(encode(document))


def _complete_plane(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    path = context.params.get("planes") or Path("dags/planes.yaml")
    names = load_planes(path).names if path.is_file() else ["process"]
    return [name for name in names if name.startswith(incomplete)]


def complete_job(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Job names for shell completion; empty where the jobs cannot be read."""
    try:
        chosen = setting(context.params.get("plane") or "process", context.params.get("planes"))
        names = specs(chosen, context.params.get("jobs"), context.params.get("release")).jobs
    except PolarpodError:
        return []
    return [name for name in sorted(names) if name.startswith(incomplete)]
