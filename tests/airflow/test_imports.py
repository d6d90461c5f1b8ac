"""Parsing DAGs costs no Polars: an Airflow worker has none, and the DAG processor parses all day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from tests.airflow.shop import ROOT, write_release

PARSE = """
import sys
from pathlib import Path
from tests.airflow.runs import parse

import polarpod.airflow
loaded = lambda: {name.partition(".")[0] for name in sys.modules}
heavy = {"polars", "dataframely", "pyarrow", "pandas", "numpy", "boto3", "kubernetes", "kubernetes_asyncio"}
# Airflow itself may load some of these; what counts is what a DAG with run_job adds
before = loaded()
bag = parse(Path(sys.argv[1]))
print(sorted(bag.dags), bag.import_errors)
print(sorted((loaded() - before) & heavy), sorted(before & {"polars", "dataframely", "kubernetes", "kubernetes_asyncio"}))
"""
PODS = """
from airflow.sdk import DAG
from polarpod.airflow import run_job

with DAG("pods", schedule=None):
    run_job("airport_delays", plane="kind", params={"ds": "{{ ds }}"}, deferrable=True)
    run_job.partial("clean_flights", plane="kind").expand(params=[{"ds": "2013-02-01"}, {"ds": "2013-02-02"}])
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a fresh interpreter says of the project's own dags/, and of one whose tasks are pods."""
    folder = tmp_path_factory.mktemp("own")
    dags = shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    (dags / "pods.py").write_text(PODS)
    release = write_release(folder / "release.json", jobs=ROOT / "jobs")
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(dags)],
        env={**os.environ, "POLARPOD_RELEASE": str(release)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-2:]


def test_the_projects_dags_are_right(parsed: list[str]) -> None:
    assert parsed[0] == "['flights', 'flights_week', 'pods'] {}"


def test_parsing_them_loads_nothing_heavy(parsed: list[str]) -> None:
    assert parsed[1] == "[] []"
