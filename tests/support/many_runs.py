"""A state store with many runs in it, written as launchers and workers write them."""

from __future__ import annotations

import datetime as dt
import uuid

import msgspec
from tests.contract.samples import CONTEXT, RECEIPT

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Context
from polarpod.contract.dataset import Output
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.attempt_records import Record, StandingNote
from polarpod.launch.state import State

SUCCEEDED = Verdict(category=Category.SUCCEEDED, summary="published")


def put_attempt(
    state: State, run_key: str, output: Output, *, at: dt.datetime, job: str = CONTEXT.job.name, good: bool = True
) -> Context:
    """One attempt that has ended: it says that it has published, or has failed."""
    uid = uuid.uuid4().hex
    number = state.claim(job, run_key, uid, at=at)
    spec = msgspec.structs.replace(CONTEXT.job, name=job, output=output, checks=None)
    attempt = Attempt(number=number, uid=uid)
    context = msgspec.structs.replace(
        CONTEXT,
        job=spec,
        run_key=run_key,
        attempt=attempt,
        created_at=at,
        attempt_uri=state.attempt_uri(job, run_key, uid),
    )
    state.put_context(context)
    put_end(state, context, good=good)
    return context


def put_end(state: State, context: Context, *, good: bool = True) -> None:
    """What the worker and its launcher write in the end."""
    job, run_key, uid = context.job.name, context.run_key, context.attempt.uid
    verdict = SUCCEEDED if good else Verdict(category=Category.JOB_FAILED, summary="it failed")
    assert RECEIPT.published is not None
    published = msgspec.structs.replace(RECEIPT.published, uri=context.job.output.uri)
    receipt = msgspec.structs.replace(
        RECEIPT,
        job=job,
        run_key=run_key,
        attempt=context.attempt,
        status="succeeded" if good else "failed",
        verdict=verdict,
        published=published if good else None,
        checks=None,
    )
    state.folder.write(f"runs/{job}/{run_key}/{uid}/receipt.json", encode(receipt))
    state.put_record(job, run_key, uid, record_of(receipt))
    if good:
        note = StandingNote(number=context.attempt.number, uid=uid, fingerprint=receipt.fingerprint)
        state.put_standing(job, run_key, note)


def record_of(receipt: Receipt) -> Record:
    return Record(
        verdict=receipt.verdict,
        memory_limit_bytes=receipt.usage.memory_limit_bytes,
        memory_peak_bytes=receipt.usage.memory_peak_bytes,
        judged_at=receipt.finished_at,
        worker_ended=True,
    )
