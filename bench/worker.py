"""A polarpod worker as a command to measure: context in, receipt out, without the launcher around it."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from bench.measure import Command
from polarpod.contract.codec import encode
from polarpod.contract.context import Context
from polarpod.contract.resources import Resources
from polarpod.launch.plan import make_plan
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes.process.environment import worker_environment
from polarpod.launch.run import Clock, RunOptions, prepare
from polarpod.launch.specs import from_jobs
from polarpod.launch.state import State

JOBS = Path(__file__).parent / "jobs"


class Bench:
    """The bench's jobs on a plane of their own, below one folder."""

    def __init__(self, root: Path, variables: dict[str, str]) -> None:
        self.root = root
        self.plane = ProcessPlane(
            state=str(root / "state"), variables=variables, python=sys.executable, jobs=str(JOBS), scratch=str(root)
        )
        self.state = State(self.plane.state)
        self._specs = from_jobs(JOBS, python=sys.executable, cache=None)

    def command(self, job: str, *, name: str, resources: Resources | None = None, limit: int | None = None) -> Command:
        """The worker of a job as a command. Each round gets an attempt and a scratch directory of its own.

        Args:
            resources: instead of the declared ones.
            limit: a real memory limit for the process, as a pod has it.
        """
        scratch = self.root / f"scratch-{name.replace(' ', '-')}"
        scratch.mkdir(parents=True, exist_ok=True)
        environment = worker_environment(b"", self.plane, scratch, watch_memory=False)
        # the file is new in every round; and the launcher here is no parent that a worker could lose
        environment |= {"POLARPOD_LAUNCHER_PID": "0"}
        del environment["POLARPOD_CONTEXT_SHA256"]

        def next_attempt() -> None:
            (scratch / "context.json").write_bytes(encode(self._context(job, resources)))

        return Command(
            name=name,
            argv=[sys.executable, "-I", "-m", "polarpod.runtime"],
            env=environment,
            memory_bytes=limit,
            prepare=next_attempt,
        )

    def _context(self, job: str, resources: Resources | None) -> Context:
        plan = make_plan(job, {}, specs=self._specs, plane_name="bench", plane=self.plane, state=self.state)
        context, _ = prepare(plan, self.plane, self.state, RunOptions(force=True), Clock())
        return msgspec.structs.replace(context, resources=resources) if resources else context

    def published_files(self, path: str) -> list[Path]:
        """The data files that a published Parquet directory's manifest names."""
        from polarpod.store import parquet_manifest as manifest
        from polarpod.store.folder import Folder

        found = manifest.read(Folder(path))
        assert found is not None, "it was published"
        return [Path(path) / file.path for entry in found.manifest.entries for file in entry.files]
