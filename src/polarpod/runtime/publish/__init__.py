"""Makes staged files visible: one atomic commit, fenced by run key and attempt.

One folder a format, behind the interface in publisher.py. What may happen to whose rows is decided by
`polarpod.store.fence`, a pure function.
"""
