"""What becomes of what runs have published: undoing it, and sweeping what they left. One folder a format."""
