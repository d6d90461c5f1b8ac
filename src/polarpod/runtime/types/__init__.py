"""Polars types: their names, their nested parts, and the values of them that a format can hold."""
