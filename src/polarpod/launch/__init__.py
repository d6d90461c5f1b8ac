"""Outside the worker, without Airflow: plan a run, start it on a plane, judge what became of it, remember it.

Decisions are pure functions (`request`, `size`, `judge`, `budgets`); what touches the world is at the edges (`state`,
`process`, `cgroup`). Knows `contract` and `store`, never the runtime: a worker is reached only through its context, its
termination message and its receipt.
"""
