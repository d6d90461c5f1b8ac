"""The interface for DAG authors: `run_job`. Imports `contract` and `launch`, no Polars; nor does parsing a DAG."""

from polarpod.airflow.operator import RunJobOperator
from polarpod.airflow.run_job import run_job

__all__ = ["RunJobOperator", "run_job"]
