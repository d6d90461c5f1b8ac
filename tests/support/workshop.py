"""A workshop: a jobs directory, a lake, a state store and a plane, as a user would have them, in a temporary place.

The contract suite runs jobs only through here, so that a behaviour is written once and holds on every plane and store.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from tests.support.machine import Machine
from tests.support.site import Site

from polarpod.contract.context import Context, Storage
from polarpod.contract.verdict import Budget
from polarpod.launch.plan import Plan, make_plan
from polarpod.launch.planes.plane import Plane
from polarpod.launch.run import Clock, Listener, RunOptions, RunResult, execute, prepare
from polarpod.launch.specs import Specs, from_jobs
from polarpod.launch.state import State
from polarpod.store.folder import Folder
from polarpod.store.location import is_local, join
from polarpod.store.storage_options import polars_options

HEADER = """
import polars as pl
import dataframely as dy
from polarpod import Check, Csv, Delta, NdJson, Param, Parquet, job
"""


@dataclass
class Workshop:
    """Attributes: `lake`: the URI jobs know as {lake}; `root`: a local folder for everything that is not in the lake;
    `site`: where workers run."""

    root: Path
    lake: str
    storage: Storage = field(default_factory=Storage)
    environment: Mapping[str, str] = field(default_factory=dict)
    max_memory: str | None = "2Gi"
    # variables of the worker beyond the store's, such as a tiny TMPDIR
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    environment_from: Sequence[str] = ()
    site: Site = field(default_factory=Machine)

    def __post_init__(self) -> None:
        self.jobs.mkdir(parents=True, exist_ok=True)
        # this process is the launcher: it reaches the store with the same credentials
        os.environ.update(self.environment)

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def plane(self) -> Plane:
        return self.site.plane(self)

    @property
    def state(self) -> State:
        return State(join(self.lake, "_state"), self.storage)

    def write_job(self, source: str, *, module: str = "job") -> None:
        """A job module; the usual imports are there already."""
        (self.jobs / f"{module}.py").write_text(HEADER + textwrap.dedent(source))

    def put(self, path: str, frame: pl.DataFrame) -> str:
        """Writes a frame into the lake by its extension (.parquet, .csv, .ndjson); returns its URI."""
        # Polars' own writer for S3 once ended a test's process by a segmentation fault, and all tests after it
        data, lazy = io.BytesIO(), frame.lazy()
        {"parquet": lazy.sink_parquet, "csv": lazy.sink_csv, "ndjson": lazy.sink_ndjson}[path.rpartition(".")[2]](data)
        Folder(self.lake, self.storage).write(path, data.getvalue())
        return join(self.lake, path)

    @property
    def options(self) -> dict[str, Any]:
        return polars_options(self.lake, self.storage)

    def specs(self) -> Specs:
        return from_jobs(self.jobs, python=sys.executable, cache=self.root / "cache")

    def plan(self, name: str, **params: str) -> Plan:
        return make_plan(name, params, specs=self.specs(), plane_name="process", plane=self.plane, state=self.state)

    def run(
        self,
        name: str,
        *,
        force: bool = False,
        allowed: Mapping[Budget, int] | None = None,
        listener: Listener | None = None,
        **params: str,
    ) -> RunResult:
        """Runs a job to its verdict; without retries unless `allowed` gives some."""
        return execute(
            lambda: self.plan(name, **params),
            plane=self.plane,
            state=self.state,
            options=RunOptions(force=force),
            allowed=allowed or {},
            listener=listener,
        )

    def prepare(self, name: str, *, force: bool = False, **params: str) -> tuple[Context, bytes]:
        """A claimed attempt whose worker the test starts (and ends) by itself."""
        return prepare(self.plan(name, **params), self.plane, self.state, RunOptions(force=force), Clock())

    def delta(self, path: str) -> pl.DataFrame:
        """What a reader of the Delta table sees."""
        return pl.read_delta(join(self.lake, path), **self._delta_options)

    @property
    def _delta_options(self) -> dict[str, Any]:
        # Polars passes these on to deltalake: only what both spell alike; the keys are in the environment
        options = {"aws_endpoint_url": self.storage.endpoint_url, "aws_region": self.storage.region, "allow_http": "true"}
        return {} if is_local(self.lake) else {"storage_options": options}

    def leftovers(self) -> list[str]:
        """What outlived its attempt; always empty."""
        return self.site.leftovers(self)

    def clean(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
