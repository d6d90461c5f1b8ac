"""Delta tables that runs have published to."""
