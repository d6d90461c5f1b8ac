"""Pods of a task: built with Airflow's connections and cluster policy; the worker or the triggerer waits for them."""
