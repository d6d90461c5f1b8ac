"""A run is a context in, a receipt out.

The names a job author needs. Importing this package stays cheap (no Polars, no Airflow, no Kubernetes client):
a job module is also read by tools that only want its declarations.
"""

from polarpod.contract.dataset import Csv, Delta, NdJson, Parquet
from polarpod.contract.definition import Check, job
from polarpod.contract.param import Param

__all__ = ["Check", "Csv", "Delta", "NdJson", "Param", "Parquet", "job"]
__version__ = "0.1.0"
