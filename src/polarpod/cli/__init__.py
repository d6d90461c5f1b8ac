"""The command line: the functions of `launch` as commands. The entry point reports packages that are not installed."""

from __future__ import annotations

import logging
import sys

# the shells' exit code for a command ended by Ctrl-C
_STOPPED = 130


def main() -> None:
    """The `polarpod` command."""
    try:
        _main()
    except KeyboardInterrupt:
        # during the imports; a running command handles it itself
        print("polarpod: stopped.", file=sys.stderr)  # noqa: T201  # click may not be imported yet
        raise SystemExit(_STOPPED) from None


def _main() -> None:
    # Libraries log their retries, and one of them enables printing for all loggers. Errors are reported as verdicts.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        from polarpod.cli.main import cli
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("click", "rich", "yaml"):
            raise
        print(  # noqa: T201  # click may be the missing package
            f"polarpod: the command line needs {error.name}, which is not installed.\n"
            '  what to do: pip install "polarpod[cli]" (and "polarpod[cli,worker]" to run jobs on this machine).',
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    cli()
