"""Row formats of the Polars engine, one module per output format."""
