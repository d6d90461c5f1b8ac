"""Prints a receipt for people."""

from __future__ import annotations

import click

from polarpod.cli.tables import Rows, when
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import Verdict


def print_receipt(receipt: Receipt, verdict: Verdict) -> None:
    """Prints the verdict, the inputs, what was published, the checks and the resource usage."""
    click.echo(f"{receipt.job}/{receipt.run_key}  attempt {receipt.attempt.number}  {verdict.category}: {verdict.summary}")
    for line in verdict.evidence:
        click.echo(f"  {line}")
    if receipt.inputs:
        inputs = Rows("read", "files", "bytes", "where", right=("files", "bytes"), gives_way=("bytes", "files"))
        for name, use in receipt.inputs.items():
            inputs.add_row(name, f"{use.files:,}", format_bytes(use.bytes), use.uri)
        inputs.show()
        for name, use in receipt.inputs.items():
            for left in use.left_out:
                click.echo(f"{name}: {left.text()}")
    if receipt.published:
        done = receipt.published
        adopted = f", adopted from attempt {done.adopted_from[:8]}" if done.adopted_from else ""
        click.echo(
            f"published  {done.rows:,} rows, {format_bytes(done.bytes)} in {done.files} files: {done.mode} to "
            f"{done.format} {done.uri} version {done.version}{adopted}"
        )
    if receipt.checks:
        checks = receipt.checks
        rules = ", ".join(f"{rule}: {count:,}" for rule, count in checks.rules.items())
        click.echo(
            f"checked    {checks.rows_checked:,} rows by {checks.schema}, {checks.rows_failed:,} failed"
            + (f" ({rules})" if rules else "")
            + (f", set aside in {checks.quarantine_uri}" if checks.quarantine_uri else "")
        )
    usage = receipt.usage
    click.echo(
        f"used       {usage.wall_seconds:.1f} s wall, {usage.cpu_seconds:.1f} s cpu, "
        f"{format_bytes(usage.memory_peak_bytes)} of {format_bytes(usage.memory_limit_bytes)} memory"
    )
    click.echo(f"finished   {when(receipt.finished_at)}  uid {receipt.attempt.uid}")
