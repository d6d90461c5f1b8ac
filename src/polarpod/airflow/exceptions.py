"""Airflow's exceptions, from the module of the installed version: 3.3 has them in the SDK, 3.0 in `airflow.exceptions`."""

from __future__ import annotations

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # not ModuleNotFoundError: 3.0.6 has the module without the names
    from airflow.exceptions import AirflowException, AirflowFailException

__all__ = ["AirflowException", "AirflowFailException"]
