"""`polarpod release`."""

from __future__ import annotations

import datetime as dt
import errno
import os
from pathlib import Path

import click
from msgspec import structs

from polarpod.cli.options import ends_in_verdict, json_option, plane_options, say_json, setting
from polarpod.contract.codec import decode, encode
from polarpod.contract.release import Release
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.specs import from_jobs


@click.command()
@click.option(
    "--jobs", type=click.Path(path_type=Path), envvar="POLARPOD_JOBS", help="The jobs directory. [default: the plane's]"
)
@click.option("--image", help="The job image, by digest, for planes that run images.")
@click.option("--output", "-o", type=click.Path(path_type=Path), default=Path("dags/release.json"), show_default=True)
@plane_options
@json_option
@ends_in_verdict
def command(jobs: Path | None, image: str | None, output: Path, plane: str, planes: Path | None, *, as_json: bool) -> None:
    """Write the release document that DAGs run.

    A DAG reads specs from it and never imports a job. To roll back, deploy an earlier document.
    """
    chosen = setting(plane, planes).plane
    found = from_jobs(jobs or Path(chosen.jobs), python=chosen.python, cache=None)
    if found.broken:
        # a release without a job would break every DAG that runs it
        verdict = found.broken[0].verdict
        raise PolarpodError(verdict.category, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy)
    document = Release(
        code_version=found.code_version,
        created_at=dt.datetime.now(dt.UTC),
        image=image,
        jobs=found.jobs,
        dependencies={job: dict(known) for job, known in found.dependencies.items()},
    )
    # an unchanged release keeps the document unchanged, and so an image that contains it
    if not _is_there(document, output):
        _write(document, output)
    if as_json:
        say_json({"release": str(output), "code_version": document.code_version, "jobs": sorted(document.jobs)})
        return
    click.echo(f"{output}: {len(document.jobs)} jobs, code {document.code_version}")


def _write(document: Release, output: Path) -> None:
    try:
        # a path such as `..` or `/` has no name for a temporary file beside it
        if output.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # the temporary file would replace a device such as /dev/null
        if output.exists() and not output.is_file():
            raise OSError(errno.EINVAL, "not a regular file")
        output.parent.mkdir(parents=True, exist_ok=True)
        spare = output.with_name(f".{output.name}.next")
        try:
            spare.write_bytes(encode(document) + b"\n")
            spare.replace(output)
        finally:
            spare.unlink(missing_ok=True)
    except OSError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the release document cannot be written",
            evidence=[f"{output}: {error.strerror}"],
            remedy="Name a file in a writable directory with --output.",
        ) from None


def _is_there(document: Release, path: Path) -> bool:
    """Whether the file has the same content already, except for its creation time. Reading a pipe would block for ever."""
    if not path.is_file():
        return False
    try:
        there = decode(path.read_bytes(), Release, source=str(path))
    except (OSError, PolarpodError):
        return False
    return structs.replace(document, created_at=there.created_at) == there
