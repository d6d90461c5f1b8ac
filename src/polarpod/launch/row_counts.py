"""Row counts for a plan, from Parquet footers. The worker's interpreter reads them: this side has no Polars."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from polarpod.launch.plan import Plan
from polarpod.launch.planes.plane import Plane


def count_rows(plan: Plan, plane: Plane) -> dict[str, int | None]:
    """Rows by input; None where a count would read the data (CSV, NDJSON) or fails. A plan is usable without it."""
    files = {
        name: list(listing.files)
        for name, listing in plan.listings.items()
        if listing.files and plan.job.inputs[name].has_footers
    }
    counts: dict[str, int | None] = dict.fromkeys(plan.listings)
    if not files:
        return counts
    # on every plane the rows are counted on this machine, with the launcher's own access to the store
    passed = {name: os.environ[name] for name in plane.store_variables(os.environ)}
    try:
        done = subprocess.run(
            [plane.python or sys.executable, "-I", "-m", "polarpod.runtime.footer_counts"],
            input=msgspec.json.encode({"files": files, "storage": plane.storage}),
            env={"PATH": os.environ.get("PATH", ""), **plane.environment, **passed},
            capture_output=True,
            check=True,
        )
        return counts | msgspec.json.decode(done.stdout, type=dict[str, int | None])
    except (OSError, subprocess.CalledProcessError, msgspec.DecodeError):
        return counts
