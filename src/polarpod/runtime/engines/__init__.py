"""Engines, which evaluate transforms: one folder per engine."""
