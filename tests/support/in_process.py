"""One attempt of a job in this very process: listed, scanned, transformed, checked, staged and published as a worker does
it, on a local folder, in milliseconds. No fork, no state store, no launcher; what those add is tested elsewhere.

    shop = InProcess(tmp_path)
    shop.put("orders.parquet", frame)
    outcome = shop.run(lambda orders: orders, shop.delta("out", replace={}), orders=Parquet(shop.at("orders.parquet")))
    assert outcome.verdict.succeeded, outcome.verdict.text()
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from polarpod.contract.context import Attempt, Context, Storage
from polarpod.contract.dataset import Delta, Input, Output, Parquet
from polarpod.contract.definition import Definition, job
from polarpod.contract.identity import run_key_of
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.attempt import attempt
from polarpod.runtime.classify import classify
from polarpod.runtime.outcome import Outcome
from polarpod.runtime.progress import Progress
from polarpod.store.delta_log import open_table

_CODE = "in-process"
_LONG_AGO = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@dataclass
class InProcess:
    """A lake in a folder. Attributes: `root`: everything is below it."""

    root: Path
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def at(self, path: str) -> str:
        """The absolute place of a path in the lake."""
        return str(self.root / path)

    def put(self, path: str, frame: pl.DataFrame) -> str:
        """Writes an input file by its extension; returns its place."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".ndjson": frame.write_ndjson}[place.suffix](place)
        return str(place)

    def delta(self, path: str, **options: Any) -> Delta:
        return Delta(self.at(path), **options)

    def parquet(self, path: str, **options: Any) -> Parquet:
        return Parquet(self.at(path), **options)

    def run(
        self,
        transform: Callable[..., Any],
        output: Output,
        *,
        params: Mapping[str, str] | None = None,
        checks: Any = None,
        input_checks: Mapping[str, Any] | None = None,
        force: bool = False,
        name: str = "work",
        **inputs: Input,
    ) -> Outcome:
        """How one attempt ends. Places are absolute, templates are filled by the caller; attempts are numbered by
        themselves. What the declaration refuses comes back as a failed outcome too."""
        try:
            definition = job(inputs=inputs, output=output, checks=checks, input_checks=input_checks, name=name)(
                _named(transform)
            )
            return attempt(
                self._context(definition, params or {}, force=force), definition, Progress(), scratch=self._scratch()
            )
        except PolarpodError as error:
            return Outcome(verdict=classify(error, phase="load"))

    def publish(self, frame: pl.DataFrame | pl.LazyFrame, output: Output, **options: Any) -> Outcome:
        """Publishes a frame by a job without inputs."""

        def publish() -> pl.LazyFrame:
            return frame.lazy()

        return self.run(publish, output, **options)

    def read(self, dataset: Input) -> pl.DataFrame:
        """What a job that has this input is given."""
        seen: list[pl.DataFrame] = []

        def look(rows: pl.LazyFrame) -> pl.LazyFrame:
            seen.append(rows.collect())
            return pl.LazyFrame({"rows": [seen[0].height]})

        outcome = self.run(look, Parquet(self.at(f"_looks/{next(self._numbers)}"), replace={}), name="look", rows=dataset)
        assert outcome.verdict.succeeded, outcome.verdict.text()
        return seen[0]

    def committed(self, path: str) -> bool:
        """Whether anything was ever published at a path: a log entry or a manifest."""
        place = self.root / path
        return any(place.glob("_delta_log/*.json")) or (place / "_polarpod" / "manifest.json").exists()

    def version(self, path: str) -> int | None:
        """The version of a Delta table, None where none is."""
        table = open_table(self.at(path), Storage())
        return None if table is None else int(table.version())

    def _scratch(self) -> Path:
        scratch = self.root / "_scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return scratch

    def _context(self, definition: Definition[Any], params: Mapping[str, str], *, force: bool) -> Context:
        spec = definition.spec
        values = {key: str(text) for key, text in params.items()}
        number = next(self._numbers)
        return Context(
            job=spec,
            params=values,
            run_key=run_key_of(values),
            attempt=Attempt(number=number, uid=f"{number:032x}"),
            code_version=_CODE,
            plane="in-process",
            resources=spec.resources,
            deadline_seconds=60,
            grace_seconds=1,
            attempt_uri=self.at("_attempts"),
            force=force,
            created_at=_LONG_AGO,
        )


def _named(transform: Callable[..., Any]) -> Callable[..., Any]:
    if transform.__name__ == "<lambda>":
        transform.__name__ = "work"
    return transform
