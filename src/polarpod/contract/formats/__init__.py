"""The formats of datasets: one module each, behind the interface in format.py."""
