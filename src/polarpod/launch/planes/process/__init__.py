"""The `process` plane: a worker is an isolated child process on this machine."""
