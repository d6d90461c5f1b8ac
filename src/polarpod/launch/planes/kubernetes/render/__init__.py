"""What a launch creates: the pod of an attempt, from its context and the plane. Pure."""
