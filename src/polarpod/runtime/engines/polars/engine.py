"""Polars as an engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import polars as pl

from polarpod.contract.context import Context
from polarpod.contract.definition import Definition
from polarpod.runtime.engines.engine import Destination, Engine, Inputs, Staged
from polarpod.runtime.engines.polars.plan import PolarsPlan, plan_transform
from polarpod.runtime.engines.polars.stage_rows import stage_rows
from polarpod.runtime.host import Host
from polarpod.runtime.progress import Progress


class PolarsEngine:
    """Evaluates in this process, with all cores and memory available to it."""

    def versions(self) -> dict[str, str]:
        return {"polars": pl.__version__, "python": sys.version.split()[0]}

    def plan(
        self, context: Context, definition: Definition[Any], inputs: Inputs, progress: Progress, host: Host
    ) -> PolarsPlan:
        return plan_transform(context, definition, inputs, progress, host)

    def stage(
        self,
        context: Context,
        definition: Definition[Any],
        planned: PolarsPlan,
        destination: Destination,
        progress: Progress,
        *,
        scratch: Path,
    ) -> Staged:
        return stage_rows(context, definition, planned, destination, progress, scratch=scratch)


ENGINE: Engine[PolarsPlan] = PolarsEngine()
