"""The planes that workers run on: one folder for each kind, behind the interface that kind.py declares."""
