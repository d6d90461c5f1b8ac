"""The commands by name. Each is imported when called: `polarpod --help` does not import `polarpod run`."""

from __future__ import annotations

import importlib

import click

import polarpod

_COMMANDS = {
    "jobs": "List the jobs and what they need.",
    "plan": "Show what a run would read, write and get, and start nothing.",
    "run": "Run a job and wait for its receipt.",
    "runs": "List runs, newest first.",
    "show": "Show one run: verdict, receipt and log.",
    "logs": "Print the log of a run, or follow it while its pod works.",
    "doctor": "Try out everything a run on a plane depends on.",
    "undo": "Take back what a run published.",
    "release": "Write the release document that DAGs run.",
    "gc": "Find (and with --delete remove) what failed attempts left behind.",
    "completion": "Print the completion script of a shell.",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"polarpod.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(polarpod.__version__, prog_name="polarpod")
def cli() -> None:
    """A run is a context in, a receipt out."""
