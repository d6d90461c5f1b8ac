"""Which charts there are, and how each one's files are made."""

from __future__ import annotations

from pathlib import Path

from tools.charts import polarpod, polarpod_local
from tools.charts.schema import render

FOLDER = Path(__file__).parents[2] / "charts"
# chart -> the type of its values
CHARTS: dict[str, type] = {"polarpod": polarpod.Values, "polarpod-local": polarpod_local.Values}
# in the order of values.yaml, which is the order of importance
README_COMMAND = ["helm-docs", "--sort-values-order", "file", "--skip-version-footer", "--log-level", "warning"]


def schema_path(name: str) -> Path:
    return FOLDER / name / "values.schema.json"


def schema_of(name: str) -> bytes:
    return render(CHARTS[name], (FOLDER / name / "values.yaml").read_text())
