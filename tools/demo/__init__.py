"""`make demo`: a week of real flights through a real Airflow on this machine, and nothing left running after it.

Started by the development environment's Python, which has no Airflow, and starts Airflow
from an environment that has no Polars, as in production.
"""
