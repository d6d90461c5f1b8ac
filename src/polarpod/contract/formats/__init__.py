"""The dataset formats: one module for each, behind the interface in format.py."""
