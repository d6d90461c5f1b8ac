"""Where a worker runs: one folder for each kind of plane, behind the interface that kind.py declares."""
