"""Polars as an engine."""

from __future__ import annotations

import sys

import polars as pl

from polarpod.runtime.engines.engine import Engine
from polarpod.runtime.engines.polars.plan import PolarsPlan, plan_transform
from polarpod.runtime.engines.polars.stage_rows import stage_rows


class PolarsEngine:
    """Evaluates in this process, with all cores and memory available to it."""

    def versions(self) -> dict[str, str]:
        return {"polars": pl.__version__, "python": sys.version.split()[0]}

    plan = staticmethod(plan_transform)
    stage = staticmethod(stage_rows)


ENGINE: Engine[PolarsPlan] = PolarsEngine()
