"""Inside the worker: context -> scan -> transform -> check -> publish -> receipt.

Two processes. The *supervisor* (`supervisor`, `heartbeat_file`, `heartbeat_document`, `memory_usage`) imports no Polars,
starts immediately and survives every failure of the work; the *child* (`child` and the rest) does the work and may die at
any instruction. Depends on `contract` and `store`; imports neither Airflow nor a Kubernetes client nor the launcher.
"""
