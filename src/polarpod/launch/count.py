"""Row counts for a plan, from Parquet footers. The worker's interpreter reads them: this side has no Polars."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from polarpod.contract.dataset import Delta, Parquet
from polarpod.launch.plan import Plan
from polarpod.launch.plane import Plane, ProcessPlane


def count_rows(plan: Plan, plane: Plane) -> dict[str, int | None]:
    """Rows by input; None where counting would mean reading the data (CSV, NDJSON) or fails. A plan is useful without."""
    files = {
        name: list(listing.files)
        for name, listing in plan.listings.items()
        if listing.files and isinstance(plan.job.inputs[name], (Parquet, Delta))
    }
    counts: dict[str, int | None] = dict.fromkeys(plan.listings)
    if not files:
        return counts
    # on a plane of pods the rows are counted here all the same, with what the launcher itself reaches the store with
    names = plane.environment_from if isinstance(plane, ProcessPlane) else [n for n in os.environ if n.startswith("AWS_")]
    passed = {name: os.environ[name] for name in names if name in os.environ}
    try:
        done = subprocess.run(
            [plane.python or sys.executable, "-I", "-m", "polarpod.runtime.count"],
            input=msgspec.json.encode({"files": files, "storage": plane.storage}),
            env={"PATH": os.environ.get("PATH", ""), **plane.environment, **passed},
            capture_output=True,
            check=True,
        )
        return counts | msgspec.json.decode(done.stdout, type=dict[str, int | None])
    except (OSError, subprocess.CalledProcessError, msgspec.DecodeError):
        return counts
