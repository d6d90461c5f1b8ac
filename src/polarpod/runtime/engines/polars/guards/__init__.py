"""Arithmetic that would be silently wrong, found in a plan before a row is read."""
