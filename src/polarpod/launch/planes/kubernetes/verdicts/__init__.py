"""The verdict on a pod, from the objects that the API server returns. Pure."""
