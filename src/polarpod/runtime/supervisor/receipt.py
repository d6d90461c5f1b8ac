"""The end of an attempt: its verdict, its receipt, the termination message, and the printed text of a failure."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

import msgspec

from polarpod.contract.codec import decoder
from polarpod.contract.context import Context
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime import memory_usage
from polarpod.runtime.ending import Ending, judge_child, status_of
from polarpod.runtime.outcome import Outcome

if TYPE_CHECKING:
    from polarpod.contract.receipt import Receipt
    from polarpod.runtime.supervisor.output import Output
    from polarpod.runtime.supervisor.watch import Watch


def close(context: Context, ending: Ending, outcome: Outcome | None, watch: Watch, output: Output) -> int:
    """Writes receipt and termination message, and prints a failure's verdict after the job's output. Returns the exit
    code."""
    verdict = masked(judge_child(ending, outcome.verdict if outcome else None), watch.environment)
    receipt = _receipt(context, verdict, outcome, ending, watch)
    unwritten = _put(context, receipt)
    final = masked(unwritten, watch.environment) if unwritten else verdict
    from polarpod.contract.message import Message

    summary = {key: value for key, value in receipt.summary().items() if isinstance(value, (str, int, float))}
    watch.heartbeat_file.show(
        Message(
            kind="receipt",
            uid=context.attempt.uid,
            phase=ending.phase.name.lower(),
            rows=watch.progress.read()[1],
            elapsed_seconds=round(time.monotonic() - watch.started, 1),
            memory_peak_bytes=watch.peak,
            memory_limit_bytes=context.resources.memory_bytes,
            summary=summary | {"category": str(final.category)},
            receipt_uri="" if unwritten else f"{context.attempt_uri}/receipt.json",
        )
    )
    # The receipt is written, so a slow log reader costs nothing now.
    output.drain()
    if lost := output.lost():
        _print(lost)
    say(final)
    return final.exit_code


def _receipt(context: Context, verdict: Verdict, outcome: Outcome | None, ending: Ending, watch: Watch) -> Receipt:
    from polarpod.contract.receipt import Receipt, Usage

    first_line = watch.progress.read()[2]
    known = outcome or Outcome(verdict=verdict)
    return Receipt(
        job=context.job.name,
        run_key=context.run_key,
        attempt=context.attempt,
        status=status_of(verdict),
        verdict=verdict,
        params=context.params,
        code_version=context.code_version,
        plane=context.plane,
        fingerprint=known.fingerprint,
        inputs=known.inputs,
        checks=known.checks,
        published=known.published if verdict.succeeded else None,
        usage=Usage(
            wall_seconds=round(time.monotonic() - watch.started, 3),
            cpu_seconds=round(ending.cpu_seconds, 3),
            memory_peak_bytes=watch.peak,
            memory_limit_bytes=context.resources.memory_bytes,
            cgroup_peak_bytes=memory_usage.number(watch.cgroup.peak) if watch.cgroup else None,
            first_line_seconds=round(first_line - watch.started, 3) if first_line else None,
        ),
        started_at=watch.started_at,
        finished_at=dt.datetime.now(dt.UTC),
        engine=known.engine,
        labels=context.labels,
    )


def _put(context: Context, receipt: Receipt) -> Verdict | None:
    """Creates the receipt; never overwrites one. Returns the verdict of a failed write, or None."""
    from polarpod.contract.codec import encode
    from polarpod.store.folder import Folder, put_once

    try:
        if put_once(Folder(context.attempt_uri, context.storage), "receipt.json", encode(receipt)):
            return None
    except PolarpodError as error:
        return error.verdict
    return Verdict(
        category=Category.CONTEXT_INVALID,
        summary="this attempt already has a receipt",
        evidence=[f"{context.attempt_uri}/receipt.json"],
        remedy="Launch a new attempt; an attempt's uid is used once.",
    )


def masked(verdict: Verdict, environment: Mapping[str, str]) -> Verdict:
    """Returns the verdict without known secrets, whichever process made it: the child masks the text of errors, but not
    its own findings, such as the name of a column."""
    from polarpod.contract import known_secrets

    return known_secrets.masked(verdict, known_secrets.secret_values(environment))


def say(verdict: Verdict) -> None:
    """Prints the text of a failed verdict; nothing for success."""
    if not verdict.succeeded:
        _print(verdict.text())


def _print(text: str) -> None:
    """Prints to standard error, like all of a worker's output without text that looks like a credential."""
    from polarpod.contract.redact import redact  # imported only on failure, for its patterns

    # Unbuffered: a write that a full disk refuses must not be retried at exit, where it would change the exit code.
    with contextlib.suppress(OSError):
        os.write(2, redact(f"polarpod: {text}\n").encode(errors="surrogateescape"))


def read_outcome(report: IO[bytes]) -> Outcome | None:
    """Returns the child's report, or None where the child died before or while writing it."""
    report.seek(0)
    try:
        return decoder(Outcome).decode(report.read())
    except msgspec.DecodeError:
        return None
