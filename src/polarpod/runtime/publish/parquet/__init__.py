"""Publishes plain Parquet files, listed in a manifest."""
