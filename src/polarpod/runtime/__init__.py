"""Inside the worker: context -> scan -> transform -> check -> publish -> receipt.

Two processes. The *supervisor* (`supervisor`, `heartbeat_file`, `heartbeat_document`, `meter`) imports no Polars, starts at
once and outlives whatever happens to the work; the *child* (`child` and the rest) does the work and may die at any
instruction. Knows `contract` and `store`; imports neither Airflow nor a Kubernetes client nor the launcher.
"""
