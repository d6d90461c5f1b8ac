"""The `kubernetes` plane: a worker as a pod.

Pure: status, verdicts, render. Edges: cluster (the API server), watch and logs (its streams), launcher (one attempt),
examine (doctor), leftovers (gc).
"""
