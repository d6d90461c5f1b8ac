"""What is wrong with a DAG's request is an import error that says where, when the DAG is parsed and not when it runs."""

from __future__ import annotations

import copy
import shutil
import textwrap
from pathlib import Path

import pytest
from tests.airflow.runs import import_error, parse
from tests.airflow.shop import Shop

DAG = """
import datetime as dt

from airflow.sdk import DAG

from polarpod.airflow import RunJobOperator, run_job

with DAG("sales", schedule=None, start_date=dt.datetime(2013, 2, 1, tzinfo=dt.UTC)):
    {task}
"""
# of the task in it
LINE = 9


@pytest.fixture
def dags(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DAGs folder with its own planes.yaml and release.json, below a directory called airflow, as in most images."""
    monkeypatch.delenv("POLARPOD_PLANES")
    monkeypatch.delenv("POLARPOD_RELEASE")
    folder = shop.root / "airflow" / "dags"
    folder.mkdir(parents=True)
    shop.planes.rename(folder / "planes.yaml")
    shutil.copy(shop.release, folder / "release.json")
    return folder


def write_dag(folder: Path, task: str, name: str = "sales.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(DAG.format(task=textwrap.indent(task, "    ").lstrip()))
    return path


def test_a_request_that_is_right_is_a_dag(dags: Path) -> None:
    write_dag(dags, 'run_job("takings", plane="process", params={"ds": "{{ ds }}"})')

    bag = parse(dags)

    assert (bag.import_errors, list(bag.dags)) == ({}, ["sales"])
    # Airflow copies DAGs, as for a run of one task and what follows it
    (task,) = copy.deepcopy(bag.dags["sales"]).tasks
    assert (task.task_id, task.job, task.job_params) == ("takings", "takings", {"ds": "{{ ds }}"})


@pytest.mark.parametrize(
    ("task", "words"),
    [
        pytest.param(
            'run_job("takings", plane="proces", params={"ds": "{{ ds }}"})',
            ["there is no plane 'proces'", "planes.yaml has: process", "Did you mean 'process'?"],
            id="unknown plane",
        ),
        pytest.param(
            'run_job("taking", plane="process", params={"ds": "{{ ds }}"})',
            ["there is no job 'taking'", "release.json has: takings", "Did you mean 'takings'?"],
            id="unknown job",
        ),
        pytest.param('run_job("takings", plane="process")', ["missing: ds", "it takes: ds, ending"], id="missing parameter"),
        pytest.param(
            'run_job("takings", plane="process", params={"ds": "{{ ds }}", "endings": "x"})',
            ["unknown: endings; did you mean 'ending'?"],
            id="extra parameter",
        ),
        pytest.param(
            'run_job("takings", plane="process", params={"ds": "{{ ds }}", "lake": "x"})',
            ["unknown: lake (set by the plane: "],
            id="parameter that is the plane's",
        ),
        pytest.param(
            'run_job.partial("takings", plane="proces").expand(params=[{"ds": "{{ ds }}"}])',
            ["there is no plane 'proces'"],
            id="unknown plane of a mapped task",
        ),
        pytest.param(
            'run_job.partial("takings", plane="process").expand(params=[{"ds": "{{ ds }}"}, {"dz": "{{ ds }}"}])',
            ["missing: ds", "unknown: dz"],
            id="wrong parameters in one of a mapped task",
        ),
        pytest.param(
            'RunJobOperator(task_id="x", job="takings", plane="process", job_params={})',
            ["missing: ds"],
            id="the operator itself",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Task .* was never mapped")
def test_a_wrong_request_is_an_import_error_with_its_line(dags: Path, task: str, words: list[str]) -> None:
    path = write_dag(dags, task)

    error = import_error(path)

    for word in [*words, f"asked for in {path}:{LINE}", "what to do: "]:
        assert word in error


@pytest.mark.parametrize(
    ("planes", "words"),
    [
        pytest.param(
            "planes:\n  process:\n    state: /tmp\n    max_memry: 4Gi\n",
            ["planes.yaml:4: ", "unknown key 'max_memry'", "did you mean 'max_memory'?"],
            id="unknown key",
        ),
        pytest.param("planes:\n  process:\n    kind: proces\n", ["planes.yaml:3: "], id="unknown kind"),
        pytest.param("planes:\n  process: [\n", ["planes.yaml:3: ", "not valid YAML"], id="no YAML"),
        pytest.param(
            "planes:\n  process:\n    state: ${NOBODY_SET_THIS}\n",
            ["planes.yaml:2: ", "${NOBODY_SET_THIS} is not set"],
            id="variable that is not set",
        ),
    ],
)
def test_a_wrong_planes_file_is_an_import_error_with_its_line(dags: Path, planes: str, words: list[str]) -> None:
    (dags / "planes.yaml").write_text(planes)
    path = write_dag(dags, 'run_job("takings", plane="process", params={"ds": "{{ ds }}"})')

    error = import_error(path)

    for word in [*words, f"asked for in {path}:{LINE}"]:
        assert word in error


@pytest.mark.parametrize("name", ["planes.yaml", "release.json"])
def test_a_missing_file_is_an_import_error_that_says_where_it_was_looked_for(dags: Path, name: str) -> None:
    (dags / name).unlink()

    error = import_error(write_dag(dags, 'run_job("takings", plane="process", params={"ds": "{{ ds }}"})'))

    assert f"there is no {name} for this DAG" in error
    assert f"looked in {dags}, {dags.parent}" in error


def test_a_release_of_another_protocol_is_an_import_error(dags: Path) -> None:
    (dags / "release.json").write_text('{"protocol": "9.0"}')

    error = import_error(write_dag(dags, 'run_job("takings", plane="process", params={"ds": "{{ ds }}"})'))

    assert "the release speaks protocol '9.0'" in error


def test_files_are_found_from_a_folder_of_the_dags_folder(dags: Path) -> None:
    task = 'run_job("takings", plane="process", params={"ds": "{{ ds }}"})'

    assert parse(write_dag(dags, task, name="team/daily/sales.py")).import_errors == {}


def test_files_are_found_for_a_helper_that_lives_elsewhere(
    dags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    call = 'run_job(job, plane="process", params={"ds": "{{ ds }}"})'
    (library / "shop_helper.py").write_text(f"from polarpod.airflow import run_job\ndef daily(job):\n    return {call}\n")
    monkeypatch.syspath_prepend(str(library))

    assert parse(write_dag(dags, 'from shop_helper import daily\ndaily("takings")')).import_errors == {}
    error = import_error(write_dag(dags, 'from shop_helper import daily\ndaily("taking")'))
    assert f"asked for in {library / 'shop_helper.py'}:3" in error
    assert f"asked for in {dags / 'sales.py'}:{LINE + 1}" in error


def test_an_operator_mapped_by_hand_finds_the_files_when_it_runs(dags: Path) -> None:
    write_dag(dags, 'RunJobOperator.partial(task_id="x", job="takings", plane="process").expand(job_params=[{"ds": "1"}])')
    (mapped,) = parse(dags).dags["sales"].tasks

    task = mapped.unmap({"job_params": {"ds": "2013-02-01"}})

    assert (task.planes_file, task.release_file) == (str(dags / "planes.yaml"), str(dags / "release.json"))
