"""Polars' types: by name, nested, and what of them a format can hold."""
