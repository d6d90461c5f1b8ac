"""What reads the inputs of a job: one folder a kind, behind the interface in source.py."""
