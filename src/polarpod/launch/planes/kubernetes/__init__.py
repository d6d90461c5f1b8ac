"""The `kubernetes` plane: a worker as a pod.

Pure: names, manifest, template, diagnose, patience. Edges: cluster (the API server), follow (its logs), pods (one attempt),
doctor, sweep.
"""
