"""Makes staged files visible: one atomic commit, fenced by run key and attempt.

`delta` and `parquet` have the same four functions: `adopt` (does the table hold this run already?), `check_schema`,
`publish`, and `staging_folder`. What may happen to whose rows is decided by `polarpod.store.fence`, a pure function.
"""
