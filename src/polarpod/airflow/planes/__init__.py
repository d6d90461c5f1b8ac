"""Airflow's additions to a plane kind: the task's own client, and waiting in the triggerer. One folder for each kind."""
