"""Guards against silently wrong arithmetic, detected in a plan before any row is read."""
