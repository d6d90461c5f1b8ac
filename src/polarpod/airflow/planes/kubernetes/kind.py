"""The `kubernetes` plane in Airflow. Only its methods import the Kubernetes client, which a DAG's parse must not load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.triggers.base import BaseTrigger

from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.worker import Deferred, Launcher


class KubernetesAirflowKind:
    """See `AirflowPlaneKind`."""

    def launcher(
        self, plane: KubernetesPlane, context: Mapping[str, Any], *, deferrable: bool, woken: str | None
    ) -> Launcher:
        from polarpod.airflow.planes.kubernetes.deferral import Deferring
        from polarpod.airflow.planes.kubernetes.launcher import pod_launcher

        pods = pod_launcher(plane, context)
        return Deferring(pods, woken=woken) if deferrable else pods

    def trigger(self, handed: Deferred, plane: KubernetesPlane, task: dict[str, Any]) -> BaseTrigger:
        from polarpod.airflow.planes.kubernetes.deferral import trigger_of

        return trigger_of(handed, plane, task)


KIND = KubernetesAirflowKind()
