"""Publishes plain Parquet, named by a manifest."""
