"""The published outputs of runs: their undo, and the sweep of their garbage. One folder for each format."""
