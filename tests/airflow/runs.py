"""Whole DAGs: parsed from files as the DAG processor does it, and run with `dag.test()`."""

from __future__ import annotations

import datetime as dt
import inspect
from pathlib import Path
from typing import Any, NamedTuple

import airflow

DAY = dt.datetime(2013, 2, 1, tzinfo=dt.UTC)


class Task(NamedTuple):
    """A task instance at the end of its DAG run."""

    state: str
    tries: int
    xcom: Any
    # what the UI calls a mapped instance
    name: str | None


def parse(path: Path) -> Any:
    """The DAG bag of a file or folder."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # 3.0
        from airflow.models.dagbag import DagBag
    known = inspect.signature(DagBag).parameters
    wanted = ("include_examples", "safe_mode", "load_op_links", "read_dags_from_db")
    return DagBag(dag_folder=str(path), **{name: False for name in wanted if name in known})


def import_error(path: Path) -> str:
    """The one import error of a file."""
    bag = parse(path)
    ((_, text),) = bag.import_errors.items()
    return str(text)


def run_dag(dag: Any) -> dict[tuple[str, int], Task]:
    """Runs a DAG to its end, retries included. (task id, map index) -> how it ended."""
    _register(dag)
    run = dag.test(logical_date=DAY)
    values = _xcoms(dag.dag_id, run.run_id)
    return {
        (found.task_id, found.map_index): Task(
            str(found.state),
            found.try_number,
            values.get((found.task_id, found.map_index)),
            found.rendered_map_index,
        )
        for found in run.get_task_instances()
    }


def _xcoms(dag_id: str, run_id: str) -> dict[tuple[str, int], Any]:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(XComModel).filter_by(dag_id=dag_id, run_id=run_id, key="return_value")
        return {(row.task_id, row.map_index): XComModel.deserialize_value(row) for row in found}


def _register(dag: Any) -> None:
    """Since 3.1 `dag.test()` looks the DAG up in the database, where a DAG built inside a test is not by itself."""
    if airflow.__version__.startswith("3.0."):
        return
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    with create_session() as session:
        session.merge(DagBundleModel(name="dags-folder"))
        session.flush()
        session.merge(DagModel(dag_id=dag.dag_id, bundle_name="dags-folder", fileloc=__file__))
        session.flush()
        SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(dag), bundle_name="dags-folder", session=session)
