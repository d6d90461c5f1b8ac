"""The pod of an attempt, rendered from its context and the plane. Pure."""
