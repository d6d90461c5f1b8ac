"""Makes staged files visible: one atomic commit, fenced by run key and attempt.

One folder per format, behind the interface in publisher.py. `polarpod.store.fence`, a pure function, decides what an attempt
may do with the rows of its run key.
"""
