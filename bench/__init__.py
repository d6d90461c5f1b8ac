"""Benchmarks: what a run costs next to a bare script, and next to what people would use instead."""
