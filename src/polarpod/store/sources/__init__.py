"""What an input is right now: one module a kind of source, behind the interface in source.py."""
