"""The launcher, outside the worker and without Airflow: plans a run, starts it on a plane, judges its end, and records it.

Decisions are pure functions (`job_request`, `memory_sizing`, `diagnose`, `retry_budgets`); I/O is at the edges (`state`,
`planes`). Imports `contract` and `store`, never the runtime: the launcher reaches a worker only through its context, its
termination message and its receipt.
"""
