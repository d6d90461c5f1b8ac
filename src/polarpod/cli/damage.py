"""Reports the unusable documents of a state store on standard error, for every command."""

from __future__ import annotations

import click

from polarpod.contract.verdict import Verdict
from polarpod.launch.state_documents import in_words

# a store written by a newer release may have thousands
_SHOWN = 5


class DamageReport:
    """Prints the first few at once, and the number of the others when the command ends."""

    def __init__(self) -> None:
        self._met = 0

    def tell(self, damage: Verdict) -> None:
        self._met += 1
        if self._met <= _SHOWN:
            click.echo(f"polarpod: warning: {in_words(damage)}", err=True)

    def close(self) -> None:
        if self._met > _SHOWN:
            click.echo(f"polarpod: warning: {self._met - _SHOWN:,} more documents cannot be used", err=True)
