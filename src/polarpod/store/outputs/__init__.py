"""What stands in the place of an output: one module a format, behind the interface in output.py."""
