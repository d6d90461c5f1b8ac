"""A table, a state store, and attempts that go as far as a test wants."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from tests.support.sweeping import swept

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Context, Storage
from polarpod.contract.dataset import Delta, Output
from polarpod.contract.job import JobSpec
from polarpod.contract.receipt import Receipt, Usage
from polarpod.contract.resources import Resources
from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.attempt_records import Record, StandingNote
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.state import State
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.runtime.publish.parquet import publisher as parquet
from polarpod.runtime.publish.staged_file import StagedFile

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
COLUMNS = pl.DataFrame(schema={"ds": pl.String(), "v": pl.Int64()})
DEADLINE, GRACE = 3600, 30
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Lake:
    """A table, a state store, and attempts that go as far as a test wants."""

    def __init__(self, root: Path, make: Callable[..., Output]) -> None:
        self.uri = str(root / "t")
        self.state = State(str(root / "state"))
        self.plane = ProcessPlane(state=str(root / "state"), scratch=str(root / "scratch"))
        self._make = make

    def begin(self, ds: str, *, created: dt.datetime | None = None) -> Context:
        """An attempt that has staged a file of one row."""
        uid, key = uuid.uuid4().hex, f"ds-{ds}-0123456789"
        output = self._make(self.uri, replace={"ds": ds}, partition_by=["ds"])
        number = self.state.claim("job", key, uid, at=created)
        context = Context(
            job=JobSpec(name="job", module="m", function="f", inputs={}, output=output),
            params={},
            run_key=key,
            attempt=Attempt(number=number, uid=uid),
            code_version="c",
            plane="p",
            resources=Resources(),
            deadline_seconds=DEADLINE,
            grace_seconds=GRACE,
            attempt_uri=self.state.attempt_uri("job", key, uid),
            created_at=created or dt.datetime.now(dt.UTC),
        )
        self.state.put_context(context)
        path = Path(self.uri) / self._staged(context).path
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame({"v": [number]}).write_parquet(path)
        return context

    def _staged(self, context: Context) -> StagedFile:
        ds = context.job.output.replace["ds"]
        folder = f"ds={ds}" if isinstance(context.job.output, Delta) else f"data/{context.attempt.uid}/ds={ds}"
        path = f"{folder}/{context.attempt.uid}-00000.parquet"
        written = Path(self.uri) / path
        return StagedFile(path, 1, written.stat().st_size if written.exists() else 0, {"ds": ds})

    def commit(self, context: Context) -> None:
        publisher = delta if isinstance(context.job.output, Delta) else parquet
        commit = Commit(
            job="job",
            run_key=context.run_key,
            number=context.attempt.number,
            uid=context.attempt.uid,
            fingerprint=context.attempt.uid * 2,
            force=False,
            output=context.job.output,
            storage=Storage(),
        )
        published, _ = publisher.publish(commit, [self._staged(context)], COLUMNS, None)
        self.receipt(context, published=published)

    def receipt(self, context: Context, *, published: object = None, category: Category = Category.JOB_FAILED) -> None:
        category = Category.SUCCEEDED if published else category
        receipt = Receipt(
            job="job",
            run_key=context.run_key,
            attempt=context.attempt,
            status="succeeded" if published else "failed",
            verdict=Verdict(category=category, summary="it ended"),
            params={},
            code_version="c",
            plane="p",
            published=published,
            usage=Usage(wall_seconds=1, cpu_seconds=1, memory_peak_bytes=1, memory_limit_bytes=1),
            started_at=NOW,
            finished_at=dt.datetime.now(dt.UTC),
        )
        self.state.folder.write(f"runs/job/{context.run_key}/{context.attempt.uid}/receipt.json", encode(receipt))
        self.judge(context, category)
        if published:
            note = StandingNote(number=context.attempt.number, uid=context.attempt.uid, fingerprint=context.attempt.uid * 2)
            self.state.put_standing("job", context.run_key, note)

    def judge(self, context: Context, category: Category, *, seen: bool = False, at: dt.datetime | None = None) -> None:
        record = Record(
            verdict=Verdict(category=category, summary="judged"),
            memory_limit_bytes=1,
            memory_peak_bytes=0,
            judged_at=at or dt.datetime.now(dt.UTC),
            worker_ended=seen,
        )
        self.state.put_record("job", context.run_key, context.attempt.uid, record)

    def garbage(
        self,
        *,
        after: dt.timedelta = dt.timedelta(),
        alive: frozenset[str] = frozenset(),
        keep: dt.timedelta | None = None,
        on_left: Callable[[Verdict], None] | None = None,
    ) -> set[str]:
        """The files that a sweep takes away, after it has done so."""
        now = dt.datetime.now(dt.UTC) + after
        found = swept(self.state, self.plane.storage, now=now, alive=alive, keep=keep, on_left=on_left)
        return {key for item in found for key in item.keys}

    def files(self) -> int:
        return len([path for path in Path(self.uri).rglob("*.parquet") if "_delta_log" not in path.parts])


def clean_the_log(uri: str) -> None:
    """What deltalake does by itself once entries are older than the log's retention."""
    long_ago = (dt.datetime.now(dt.UTC) - 40 * DAY).timestamp()
    for path in (Path(uri) / "_delta_log").glob("*.json"):
        os.utime(path, (long_ago, long_ago))
    table = DeltaTable(uri)
    table.create_checkpoint()
    table.cleanup_metadata()
    assert not (Path(uri) / "_delta_log/00000000000000000000.json").exists()
