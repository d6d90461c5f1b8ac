"""What evaluates a transform: one folder an engine."""
