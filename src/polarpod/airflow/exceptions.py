"""Airflow's exceptions, from where this Airflow keeps them: 3.3 moved them into the SDK, 3.0 has them at the old place."""

from __future__ import annotations

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # not ModuleNotFoundError: 3.0.6 has the module without the names
    from airflow.exceptions import AirflowException, AirflowFailException

__all__ = ["AirflowException", "AirflowFailException"]
