"""A workshop that also knows how a contract test asks: publish and look, or fail and find everything as it was."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from deltalake import DeltaTable, write_deltalake
from tests.suite.verdicts import explains
from tests.support.workshop import Workshop

from polarpod.contract.receipt import Published, Receipt
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.plan import Plan, make_plan
from polarpod.launch.planes.plane import Plane
from polarpod.launch.run import RunResult
from polarpod.launch.specs import Specs, from_jobs
from polarpod.store.folder import Folder
from polarpod.store.location import join


@dataclass
class Bench(Workshop):
    """Attributes: `cache`: where job specs are remembered across tests; `plane_name`: the plane under test; `variables`
    and `scratch`: places beside the lake and the workshop's own."""

    plane_name: str = "process"
    cache: Path = field(default_factory=Path)
    variables: dict[str, str] = field(default_factory=dict)
    scratch: Path | None = None

    @property
    def plane(self) -> Plane:
        plane = msgspec.structs.replace(super().plane, variables={"lake": self.lake, **self.variables})
        return msgspec.structs.replace(plane, scratch=str(self.scratch)) if self.scratch else plane

    def specs(self) -> Specs:
        return from_jobs(self.jobs, python=sys.executable, cache=self.cache)

    def plan(self, name: str, **params: str) -> Plan:
        return make_plan(name, params, specs=self.specs(), plane_name=self.plane_name, plane=self.plane, state=self.state)

    def publish(self, name: str, *, force: bool = False, **params: str) -> Published:
        """Runs a job that must succeed; says what became visible."""
        return published(self.receipt(name, force=force, **params))

    def receipt(self, name: str, *, force: bool = False, **params: str) -> Receipt:
        ran = self.run(name, force=force, **params)
        assert ran.verdict.category == "succeeded", ran.verdict.text()
        assert ran.receipt is not None
        return ran.receipt

    def fails(self, name: str, category: str, *words: str, **params: str) -> RunResult:
        """Runs a job that must fail so, in these words, and must leave everything that readers see as it was.

        A run that its planner refuses comes back without a receipt; no attempt was made of it.
        """
        before = self.visible()
        try:
            ran = self.run(name, **params)
        except PolarpodError as error:
            ran = RunResult(error.verdict, None, 0)
        else:
            assert ran.receipt is not None
            assert ran.receipt.verdict == ran.verdict
            assert (ran.receipt.status, ran.receipt.published) == ("failed", None)
        explains(ran.verdict, category, *words)
        assert "Traceback" not in ran.log.decode()
        assert self.visible() == before, "a failed run changes nothing that readers see"
        return ran

    def visible(self) -> dict[str, str]:
        """Every commit and manifest in the lake, by what changes with its content."""
        return {
            entry.key: entry.tag
            for entry in Folder(self.lake, self.storage).list()
            if not entry.key.startswith("_state/")
            and (entry.key.endswith("_polarpod/manifest.json") or "/_delta_log/" in f"/{entry.key}")
        }

    def files(self, path: str) -> list[str]:
        return [entry.key for entry in Folder(join(self.lake, path), self.storage).list()]

    def put_bytes(self, path: str, data: bytes) -> None:
        folder, _, name = path.rpartition("/")
        Folder(join(self.lake, folder), self.storage).write(name, data)

    def read_bytes(self, path: str) -> bytes:
        folder, _, name = path.rpartition("/")
        document = Folder(join(self.lake, folder), self.storage).read(name)
        assert document is not None
        return document.data

    def delete(self, path: str) -> None:
        """Takes a file away, as somebody does who knows nothing of polarpod."""
        Folder(self.lake, self.storage).delete([path])

    def clear(self, path: str) -> None:
        """Takes away a folder with all that is in it."""
        Folder(self.lake, self.storage).delete([f"{path}/{name}" for name in self.files(path)])

    def put_delta(self, path: str, frame: pl.DataFrame, **options: Any) -> None:
        """A table as somebody else writes it."""
        write_deltalake(join(self.lake, path), frame, **self._delta_options, **options)

    def rows(self, path: str, *columns: str) -> list[tuple[Any, ...]]:
        """What readers of the Delta table see: its rows in order, of these columns or all."""
        return ordered(self.delta(path), columns)

    def table(self, path: str) -> DeltaTable:
        """As somebody else opens it."""
        return DeltaTable(join(self.lake, path), **self._delta_options)

    def version(self, path: str) -> int:
        return self.table(path).version()

    def manifest(self, path: str) -> dict[str, Any]:
        return dict(json.loads(self.read_bytes(f"{path}/_polarpod/manifest.json")))

    def listed(self, path: str, *columns: str) -> list[tuple[Any, ...]]:
        """What readers of the Parquet directory see who read its manifest and know nothing of polarpod."""
        files = [file for entry in self.manifest(path)["entries"] for file in entry["files"]]
        frames = [
            pl.read_parquet(join(self.lake, path, file["path"]), hive_partitioning=False, **self.options).with_columns(
                pl.lit(value, pl.String).alias(column) for column, value in file["partition"].items()
            )
            for file in files
        ]
        return ordered(pl.concat(frames), columns) if frames else []


def ordered(frame: pl.DataFrame, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return sorted(frame.select(columns or pl.all()).rows(), key=repr)


def published(receipt: Receipt | None) -> Published:
    assert receipt is not None
    assert receipt.published is not None
    return receipt.published


def copying(name: str, dataset: str, output: str = 'Delta("{lake}/out", replace={})', *, params: str = "") -> str:
    """The source of a job that publishes its one input as it is; `params` are its keyword-only arguments."""
    takes = f", *, {params}" if params else ""
    return f"""
@job(inputs={{"orders": {dataset}}}, output={output}, memory="512Mi")
def {name}(orders{takes}):
    return orders
"""
