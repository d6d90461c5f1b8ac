"""How the Polars engine writes rows of a format."""
