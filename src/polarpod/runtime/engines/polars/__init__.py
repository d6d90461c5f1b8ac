"""The Polars engine: frames, guards, checks, and the files that it stages."""
