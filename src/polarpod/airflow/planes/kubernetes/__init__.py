"""Pods of a task: built with Airflow's connections and cluster policy, awaited in the worker or in the triggerer."""
