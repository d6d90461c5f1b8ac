"""A shop: a lake with sales, a state store, and the planes file and release through which DAGs run the jobs beside this."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from polarpod.contract.receipt import Receipt
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.planes_file import load_planes
from polarpod.launch.state import State

ROOT = Path(__file__).parents[2]
JOBS = Path(__file__).parent / "jobs"
DAY = "2013-02-01"


def worker_python() -> str:
    """The interpreter that has polarpod[worker]; Airflow's own has no Polars, as in production."""
    path = os.environ.get("POLARPOD_WORKER_PYTHON") or str(ROOT / ".venv" / "dev" / "bin" / "python")
    if not Path(path).exists():
        pytest.fail(f"no worker's Python at {path}: run `make setup`, or set POLARPOD_WORKER_PYTHON", pytrace=False)
    return path


def write_release(path: Path, *, jobs: Path = JOBS) -> Path:
    """What an author does before deploying DAGs."""
    planes = path.with_name("planes.yaml")
    planes.write_text(f"planes: {{process: {{state: ./state, python: {json.dumps(worker_python())}}}}}")
    command = [worker_python(), "-c", "from polarpod.cli import main; main()", "release"]
    done = subprocess.run(
        [*command, "--jobs", str(jobs), "--planes", str(planes), "--output", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return path


class Shop:
    """Attributes: `planes` and `release`: the two files; `marks`: where jobs of the tests leave notes."""

    def __init__(self, root: Path, release: Path) -> None:
        self.root = root
        self.lake = root / "lake"
        self.marks = root / "marks"
        self.marks.mkdir()
        self.release = release
        self.planes = root / "planes.yaml"
        self.write_plane()
        for day in range(1, 4):
            self.put_sales(f"2013-02-{day:02d}", {"corner": 1250 + day, "harbour": 300})

    def write_plane(self, **more: object) -> None:
        plane = {
            "state": str(self.root / "state"),
            "variables": {"lake": str(self.lake)},
            "environment": {"SHOP_MARKS": str(self.marks)},
            "python": worker_python(),
            "jobs": str(JOBS),
            "scratch": str(self.root / "scratch"),
            "max_memory": "1Gi",
        }
        self.planes.write_text(json.dumps({"planes": {"process": plane | more}}, indent=2))  # JSON is YAML

    def put_sales(self, day: str, cents: dict[str, int]) -> None:
        path = self.lake / "sales" / f"ds={day}" / "sales.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in ["shop,cents", *(f"{shop},{sum_}" for shop, sum_ in cents.items())]))

    @property
    def attempts(self) -> list[AttemptInfo]:
        """All attempts of all runs; of one run in the order of their numbers."""
        state = State(load_planes(self.planes)["process"].state)
        keys = state.run_keys("takings")
        return [info for key in sorted(keys) for info in reversed(state.attempts("takings", key))]

    @property
    def receipt(self) -> Receipt:
        """Of the only attempt."""
        (attempt,) = self.attempts
        assert attempt.receipt is not None, "the attempt has no receipt"
        return attempt.receipt

    def leftovers(self) -> list[str]:
        """Scratch directories of workers that are gone; always empty."""
        scratch = self.root / "scratch"
        return [path.name for path in scratch.iterdir()] if scratch.is_dir() else []
