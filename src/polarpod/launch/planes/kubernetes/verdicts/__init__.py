"""What became of a pod: from what the API server shows, a verdict. Pure."""
