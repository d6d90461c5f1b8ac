"""The Polars engine: frames, guards, checks, and staged files."""
