"""The words both sides of a run speak: typed, frozen, validated, versioned.

This package knows nobody: it imports neither the runtime nor the launcher, neither Polars nor Airflow nor a cloud
client. Whatever is defined here and has crossed a process boundary once is never renamed.

Validation is msgspec's. Measured on one machine in one run, wall over a bare interpreter: msgspec 48 ms,
attrs + cattrs 100 ms, pydantic 160 ms; the supervisor pays it on every start, and it is paid while the worker's child
is loading Polars anyway. msgspec also derives the JSON Schemas from the same types.
"""
