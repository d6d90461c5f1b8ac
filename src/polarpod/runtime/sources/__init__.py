"""Readers of a job's inputs: one folder per kind, behind the interface in source.py."""
