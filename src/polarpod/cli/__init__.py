"""The command line: the verbs of `launch` for a person at a terminal. The entry point explains what is not installed."""

from __future__ import annotations

import logging
import sys

# what shells use for a command ended by Ctrl-C
_STOPPED = 130


def main() -> None:
    """The `polarpod` command."""
    try:
        _main()
    except KeyboardInterrupt:
        # while its modules are loaded; a command that runs answers for itself
        print("polarpod: stopped.", file=sys.stderr)  # noqa: T201  # click may not be there yet
        raise SystemExit(_STOPPED) from None


def _main() -> None:
    # Libraries log what they try again, and one of them sets up printing that for all. What matters comes as a verdict.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        from polarpod.cli.main import cli
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("click", "rich", "yaml"):
            raise
        print(  # noqa: T201  # there is nothing else to say it with
            f"polarpod: the command line needs {error.name}, which is not installed.\n"
            '  what to do: pip install "polarpod[cli]" (and "polarpod[cli,worker]" to run jobs on this machine).',
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    cli()
