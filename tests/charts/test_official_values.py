"""Values for the Airflow chart of apache-airflow: what of them this repository says elsewhere as well.

The chart itself cannot be fetched everywhere, so nothing is rendered here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CHARTS = Path(__file__).parents[2] / "charts"
FILE = CHARTS / "values/airflow-official.yaml"
VALUES: Mapping[str, Any] = yaml.safe_load(FILE.read_text())


def test_the_accounts_are_those_that_the_polarpod_charts_example_lets_launch() -> None:
    example = yaml.safe_load((CHARTS / "polarpod/ci/eks-irsa-values.yaml").read_text())
    expected = {(one["name"], one["namespace"]) for one in example["launcher"]["subjects"]}
    named = {(VALUES[component]["serviceAccount"]["name"], "airflow") for component in ("scheduler", "triggerer")}
    assert named == expected


def test_the_subjects_that_its_comment_asks_for_are_the_same() -> None:
    asked = re.findall(r"# +- \{kind: ServiceAccount, name: (\S+), namespace: airflow\}", FILE.read_text())
    assert asked == [VALUES[component]["serviceAccount"]["name"] for component in ("scheduler", "triggerer")]


def test_the_planes_file_is_looked_for_where_its_configmap_is_mounted() -> None:
    (volume,), (mount,) = VALUES["volumes"], VALUES["volumeMounts"]
    assert volume["name"] == mount["name"]
    variables = {one["name"]: one["value"] for one in VALUES["env"]}
    assert variables["POLARPOD_PLANES"] == f"{mount['mountPath']}/planes.yaml"


def test_the_chart_is_given_no_rights_to_launch_of_its_own() -> None:
    assert VALUES["allowPodLaunching"] is False


def test_the_airflow_is_the_one_that_the_image_has() -> None:
    lock = (CHARTS.parent / "locks/airflow-image.txt").read_text()
    assert f"\napache-airflow=={VALUES['airflowVersion']} " in f"\n{lock}"


def test_task_logs_go_through_a_connection_that_is_there() -> None:
    name = VALUES["config"]["logging"]["remote_log_conn_id"]
    assert f"AIRFLOW_CONN_{name.upper()}" in {one["name"] for one in VALUES["env"]}
