"""Workers that stop (SIGSTOP) at one exact point of publishing while a flag stands, and a lake small enough to see through.

The job module itself wraps the publisher in its worker's process: nothing in polarpod knows of these tests.
"""

from __future__ import annotations

import signal
from pathlib import Path

import polars as pl
import psutil
from tests.kill.readers import manifested, ordered
from tests.support.live import Live
from tests.support.workshop import Workshop

from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder

# where a worker can be held: nothing decided yet, all read and decided, committed and nobody told
DECIDING, COMMITTING, COMMITTED = "deciding", "committing", "committed"

_HOLD = """
import os, signal
from pathlib import Path
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.runtime.publish.parquet import publisher as parquet
from polarpod.store import parquet_manifest as manifest

def _held(module, name, point):
    work = getattr(module, name)
    def wrapped(*args, **kwargs):
        result = work(*args, **kwargs) if point == "committed" else None
        # bad rows are published by the same functions; who is held shall be the publisher of the good ones
        if (Path(ROOT) / point).exists() and not args[0].uri.endswith("/bad"):
            os.kill(os.getpid(), signal.SIGSTOP)
        return result if point == "committed" else work(*args, **kwargs)
    setattr(module, name, wrapped)

for _module, _name, _point in [
    (delta, "publish", "deciding"), (parquet, "publish", "deciding"),
    (delta, "commit_entry", "committing"), (manifest, "swap", "committing"),
    (delta, "publish", "committed"), (parquet, "publish", "committed"),
]:
    _held(_module, _name, _point)
"""

_JOBS = """
class Small(dy.Schema):
    id = dy.Int64(nullable=False)
    value = dy.Int64(nullable=False, max=100)
    day = dy.String(nullable=False)

INPUTS = {"rows": Parquet("{lake}/in/{day}.parquet")}

def tagged(rows, day):
    return rows.with_columns(day=pl.lit(day))
"""

OUTPUTS = {
    "delta_replace": 'Delta("{lake}/out", replace={"day": "{day}"})',
    "delta_predicate": 'Delta("{lake}/out", replace="day = {day}")',
    "delta_append": 'Delta("{lake}/out", append=True)',
    "delta_merge": 'Delta("{lake}/out", merge=["id", "day"])',
    "parquet_replace": 'Parquet("{lake}/out", replace={"day": "{day}"})',
    "parquet_append": 'Parquet("{lake}/out", append=True)',
}


def workshop_of(root: Path, output: str, *, jobs: tuple[str, ...] = ("small",), checks: str = "None") -> Workshop:
    """A workshop whose jobs publish their input, with its day, to one place."""
    workshop = Workshop(root, str(root / "lake"))
    declared = "".join(
        f'@job(inputs=INPUTS, output={OUTPUTS[output]}, checks={checks}, memory="512Mi")\n'
        f"def {name}(rows, *, day):\n    return tagged(rows, day)\n\n"
        for name in jobs
    )
    workshop.write_job(f"ROOT = {str(root)!r}\n{_HOLD}\n{_JOBS}\n{declared}")
    return workshop


def deliver(workshop: Workshop, day: str, values: range) -> None:
    workshop.put(f"in/{day}.parquet", pl.DataFrame({"id": range(len(values)), "value": values}))


def hold(workshop: Workshop, point: str) -> None:
    (workshop.root / point).touch()


def let_go(workshop: Workshop, point: str) -> None:
    """For workers still to come; those that stand still are resumed one by one."""
    (workshop.root / point).unlink()


def started_and_held(workshop: Workshop, job: str = "small", **params: str) -> Live:
    """An attempt whose child has come to the point and stands still there."""
    live = Live(workshop, job, **params)
    live.until(lambda: _stopped(live.child), "it came to the point where it should be held")
    return live


def resume(live: Live) -> None:
    assert live.signal(signal.SIGCONT, "child")


def _stopped(pid: int | None) -> bool:
    try:
        return pid is not None and psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


def published(workshop: Workshop, output: str) -> pl.DataFrame:
    return ordered(workshop.delta("out") if output.startswith("delta") else manifested(workshop, "out"))


def commits(workshop: Workshop, output: str) -> int:
    """How often the place was written."""
    if output.startswith("delta"):
        return len(list(Path(workshop.lake, "out", "_delta_log").glob("*.json")))
    found = manifest.read(Folder(f"{workshop.lake}/out"))
    return found.manifest.version if found else 0


def expected(**days: range) -> pl.DataFrame:
    """Rows as delivered, in the order of `published`; a day is named d1, d2, ..."""
    frames = [
        pl.DataFrame({"day": [day] * len(values), "id": range(len(values)), "value": values}) for day, values in days.items()
    ]
    return pl.concat(frames).sort("day", "id", "value")
