"""Publishes to Delta tables."""
