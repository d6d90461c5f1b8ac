"""A state store of many runs, written as files into the folder that versitygw serves: by requests it would take an hour."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from pathlib import Path

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Context
from polarpod.contract.job import JobSpec
from polarpod.contract.receipt import Published, Receipt, Usage
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.attempt_records import Record, StandingNote
from polarpod.launch.index import Begun, keys_of_swept
from polarpod.launch.state import State

_UID, _KEY, _PLANE = "0" * 32, "ds-0000000-0000000000", "bench"


def run_key(number: int) -> str:
    """As those of a job by day."""
    return f"ds-{number:07d}-{hashlib.sha256(str(number).encode()).hexdigest()[:10]}"


def context_of(
    job: JobSpec, key: str, uid: str, number: int, at: dt.datetime, state: State, *, code_version: str = "bench"
) -> Context:
    return Context(
        job=job,
        params={},
        run_key=key,
        attempt=Attempt(number=number, uid=uid),
        code_version=code_version,
        plane=_PLANE,
        resources=job.resources,
        deadline_seconds=job.deadline_seconds,
        grace_seconds=job.grace_seconds,
        attempt_uri=state.attempt_uri(job.name, key, uid),
        created_at=at,
    )


def receipt_of(context: Context, *, good: bool) -> Receipt:
    category = Category.SUCCEEDED if good else Category.JOB_FAILED
    published = Published(uri=context.job.output.uri, format="delta", mode="replace", version=0, rows=1, bytes=1000, files=1)
    return Receipt(
        job=context.job.name,
        run_key=context.run_key,
        attempt=context.attempt,
        status="succeeded" if good else "failed",
        verdict=Verdict(category=category, summary="it ended"),
        params={},
        code_version=context.code_version,
        plane=_PLANE,
        published=published if good else None,
        usage=Usage(wall_seconds=1, cpu_seconds=1, memory_peak_bytes=MIB, memory_limit_bytes=MIB),
        started_at=context.created_at,
        finished_at=context.created_at,
    )


def record_of(receipt: Receipt) -> Record:
    return Record(
        verdict=receipt.verdict,
        memory_limit_bytes=receipt.usage.memory_limit_bytes,
        memory_peak_bytes=receipt.usage.memory_peak_bytes,
        judged_at=receipt.finished_at,
        worker_ended=True,
    )


def seed(folder: Path, job: JobSpec, state: State, runs: int, *, last: dt.datetime) -> list[str]:
    """Writes so many runs that stand and that a sweep has done with, a minute apart; returns their uids, oldest first.

    Args:
        folder: where the state store's files are.
    """
    made = context_of(job, _KEY, _UID, 1, last, state)
    receipt = receipt_of(made, good=True)
    note = StandingNote(number=1, uid=_UID, fingerprint="f" * 64)
    documents = {
        f"{_UID}/context.json": encode(made),
        f"{_UID}/receipt.json": encode(receipt),
        f"{_UID}/verdict.json": encode(record_of(receipt)),
        "claims/00000001": _UID.encode(),
        "standing.json": encode(note),
    }
    uids = []
    for number in range(runs):
        key, uid = run_key(number), uuid.uuid4().hex
        at = last - dt.timedelta(minutes=runs - number)
        base = folder / "runs" / job.name / key
        (base / uid).mkdir(parents=True)
        (base / "claims").mkdir()
        for name, data in documents.items():
            own = data.replace(_UID.encode(), uid.encode()).replace(_KEY.encode(), key.encode())
            (base / name.replace(_UID, uid)).write_bytes(own)
        _index(folder, Begun(job.name, key, 1, uid, at), last)
        uids.append(uid)
    (folder / "index/complete.json").write_bytes(b'{"protocol": "1.0"}')
    return uids


def _index(folder: Path, begun: Begun, since: dt.datetime) -> None:
    for key in keys_of_swept(begun, since):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}\n")


def fail(state: State, job: JobSpec, key: str, at: dt.datetime, *, code_version: str = "bench") -> str:
    """One attempt that has ended without a publish, and that a sweep has yet to look at."""
    uid = uuid.uuid4().hex
    number = state.claim(job.name, key, uid, at=at)
    context = context_of(job, key, uid, number, at, state, code_version=code_version)
    state.put_context(context)
    receipt = receipt_of(context, good=False)
    state.folder.write(f"runs/{job.name}/{key}/{uid}/receipt.json", encode(receipt))
    state.put_record(job.name, key, uid, record_of(receipt))
    return uid
