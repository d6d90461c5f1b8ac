"""Commands of others, run to their end. One that fails says so in polarpod's way: what happened, evidence, what to do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from tools.cluster.names import ADMIN, ROOT

# of what a command said before it failed; the reason is at the end
_LINES = 15


class Failed(Exception):
    """Something did not work, and what somebody can do about it."""

    def __init__(self, summary: str, *, evidence: Sequence[str] = (), remedy: str, code: int = 1) -> None:
        lines = [summary, *(f"  evidence: {line}" for line in evidence), f"  what to do: {remedy}"]
        super().__init__("\n".join(lines))
        self.code = code


def run(
    *command: str | os.PathLike[str],
    remedy: str,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Runs a command in the repository's root and returns what it said.

    Args:
        given: what it reads on standard input.
        environment: variables on top of this process's own.

    Raises:
        Failed: it failed; with the end of its output, and the remedy.
    """
    done = ask(*command, given=given, environment=environment)
    if done.returncode:
        said = f"{done.stdout}{done.stderr}".strip().splitlines()[-_LINES:]
        what = " ".join(os.fspath(word) for word in command[:4])
        raise Failed(f"`{what} ...` ended with exit code {done.returncode}", evidence=said, remedy=remedy)
    return done.stdout


def ask(
    *command: str | os.PathLike[str], given: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command that may fail: its exit code is the answer."""
    return subprocess.run(
        [os.fspath(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        text=True,
        capture_output=True,
        check=False,
    )


def kubectl(*arguments: str | os.PathLike[str], given: str | None = None) -> str:
    """kubectl as the cluster's administrator, whatever $KUBECONFIG says."""
    remedy = "`make cluster` again; if that does not help, `python -m tools.cluster down` and `make cluster` make it anew."
    return run("kubectl", "--kubeconfig", ADMIN, *arguments, given=given, remedy=remedy)
