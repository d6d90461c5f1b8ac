"""Parquet datasets that runs have published."""
