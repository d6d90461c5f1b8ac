"""Reads the current state of outputs: one module for each format, behind the interface in output.py."""
