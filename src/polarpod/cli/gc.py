"""`polarpod gc`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from polarpod.cli.options import Setting, ends_in_verdict, json_option, plane_options, say_json, setting
from polarpod.cli.tables import table
from polarpod.contract.resources import format_bytes
from polarpod.launch.plane import KubernetesPlane
from polarpod.launch.sweep import find_garbage, known_attempts, sweep

if TYPE_CHECKING:
    from polarpod.launch.kubernetes.sweep import LeftPod

_AGAIN = {True: "", False: "; run again with --delete to do it"}


@click.command()
@click.option("--delete", is_flag=True, help="Delete what is found; without it nothing is touched.")
@plane_options
@json_option
@ends_in_verdict
def command(plane: str, planes: Path | None, *, delete: bool, as_json: bool) -> None:
    """Find (and with --delete remove) what failed attempts left behind.

    Looks only at attempts whose worker has ended, at files that no table or manifest ever named, and at pods that no
    launcher waits for.
    """
    chosen = setting(plane, planes)
    now = dt.datetime.now(dt.UTC)
    found = find_garbage(chosen.state, chosen.plane, now=now, alive=_alive(chosen))
    pods = _pods(chosen, now, delete=delete)
    if delete:
        sweep(found, chosen.plane.storage)
    size = sum(item.bytes for item in found)
    files = sum(len(item.keys) or 1 for item in found)
    if as_json:
        say_json(
            {
                "deleted": delete,
                "bytes": size,
                "pods": [pod._asdict() for pod in pods],
                "garbage": [
                    {"uid": item.uid, "run": item.run, "uri": item.uri, "keys": item.keys, "bytes": item.bytes}
                    for item in found
                ],
            }
        )
        return
    if not found and not pods:
        click.echo("nothing to sweep")
        return
    _show_pods(pods)
    if not found:
        click.echo(f"{'deleted' if delete else 'would delete'} {len(pods)} pods" + _AGAIN[delete])
        return
    rows = table("attempt", "run", "files", "bytes", "in", right=("files", "bytes"))
    for item in found:
        rows.add_row(item.uid[:8], item.run, f"{len(item.keys) or 1:,}", format_bytes(item.bytes), item.uri)
    rows.show()
    click.echo(
        f"{'deleted' if delete else 'would delete'} {files:,} files, {format_bytes(size)}"
        + (f", {len(pods)} pods" if pods else "")
        + _AGAIN[delete]
    )


def _alive(chosen: Setting) -> set[str]:
    """Attempts whose pod is there and has not ended, such as one that waits in a queue."""
    if not isinstance(chosen.plane, KubernetesPlane):
        return set()
    # loads the Kubernetes client, which no other plane needs
    from polarpod.launch.kubernetes.cluster import connect
    from polarpod.launch.kubernetes.sweep import live_attempts

    return live_attempts(connect(chosen.plane))


def _pods(chosen: Setting, now: dt.datetime, *, delete: bool) -> list[LeftPod]:
    if not isinstance(chosen.plane, KubernetesPlane):
        return []
    # loads the Kubernetes client, which no other plane needs
    from polarpod.launch.kubernetes.cluster import connect
    from polarpod.launch.kubernetes.sweep import find_left_pods, sweep_pods

    cluster = connect(chosen.plane)
    found = find_left_pods(cluster, known_attempts(chosen.state), now=now)
    if delete:
        sweep_pods(cluster, found)
    return found


def _show_pods(pods: list[LeftPod]) -> None:
    if pods:
        rows = table("attempt", "run", "pod", "why")
        for pod in pods:
            rows.add_row(pod.attempt_uid[:8], pod.run, pod.name, pod.why)
        rows.show()
