"""Which launcher a plane has. The Kubernetes client is only loaded for a plane that needs it."""

from __future__ import annotations

from polarpod.launch.plane import KubernetesPlane, Plane, ProcessPlane
from polarpod.launch.worker import Launcher


def launcher_of(plane: Plane) -> Launcher:
    """The launcher of a plane, with what the plane itself says of how to get there."""
    if isinstance(plane, KubernetesPlane):
        from polarpod.launch.kubernetes.cluster import connect
        from polarpod.launch.kubernetes.pods import PodLauncher

        return PodLauncher(plane, connect(plane))
    from polarpod.launch.process import ProcessLauncher

    assert isinstance(plane, ProcessPlane), "load_planes knows no other kind"
    return ProcessLauncher(plane)
