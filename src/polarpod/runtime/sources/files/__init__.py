"""Inputs that are files: Parquet, CSV and NDJSON."""
