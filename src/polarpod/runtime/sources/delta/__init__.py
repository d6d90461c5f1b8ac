"""Inputs that are Delta tables."""
