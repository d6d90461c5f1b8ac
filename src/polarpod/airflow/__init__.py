"""The DAG author's side: `run_job`. Knows `contract` and `launch`; imports no Polars, and neither does parsing a DAG."""

from polarpod.airflow.operator import RunJobOperator
from polarpod.airflow.run_job import run_job

__all__ = ["RunJobOperator", "run_job"]
