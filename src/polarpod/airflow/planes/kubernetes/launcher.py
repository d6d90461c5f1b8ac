"""Launches pods from a task, by composition over the KubernetesPodOperator.

The operator builds the pod from polarpod's manifest (its labels for the task instance, the deployment's pod mutation hook)
and provides the client (Airflow connections, kubeconfigs, service accounts). It is never executed: it polls instead of
watching, and makes a dozen requests for a pod that needs four. Only its public interface is used, as of providers 10.7 to
10.25.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.api_errors import unusable
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.credentials import Access, Way, reject_missing
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.launch.planes.kubernetes.status import WORKER, Json


def pod_launcher(plane: KubernetesPlane, context: Mapping[str, Any]) -> PodLauncher:
    """The launcher of a task instance.

    Args:
        context: Airflow's, of the task that runs.
    """
    composed = _Composed(plane, context)
    cluster = Cluster(composed.client, namespace=plane.namespace, where=str(composed.way))
    return PodLauncher(plane, cluster, finish=composed.finish)


class _Composed:
    """The newest operator: one for each client, since a client's credentials expire."""

    def __init__(self, plane: KubernetesPlane, context: Mapping[str, Any]) -> None:
        self.way = Access.of(plane, airflow=True).way()
        self._plane = plane
        self._context = context
        self._operator: Any = None

    def client(self) -> Any:
        try:
            reject_missing(self.way)
            self._operator = _operator(self._plane.namespace, self.way)
            return self._operator.client
        except Exception as error:  # noqa: BLE001  # connections, YAML, exec plugins: each raises its own
            connection = self.way.connection
            remedy = f"Correct `connection` of the plane, or the connection {connection!r} in Airflow." if connection else ""
            raise unusable(str(self.way), error, remedy=remedy) from None

    def finish(self, manifest: Json) -> Json:
        self._operator.pod_template_dict = dict(manifest)
        try:
            pod = self._operator.build_pod_request_obj(self._context)
        except Exception as error:  # noqa: BLE001  # a deployment's pod_mutation_hook may raise anything
            # without the error's message: it may quote the pod, and with it the environment
            at = traceback.extract_tb(error.__traceback__)[-1]
            raise PolarpodError(
                Category.WORKER_REFUSED,
                "Airflow does not make a pod of the manifest",
                evidence=[f"{type(error).__name__} in {at.filename}:{at.lineno}"],
                remedy="Look there: most often it is this deployment's own pod_mutation_hook.",
            ) from None
        made: Json = self._operator.client.api_client.sanitize_for_serialization(pod)
        return made


def _operator(namespace: str, way: Way) -> Any:
    # 1.5 to 3 s to import, which must not slow down parsing a DAG
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    operator = KubernetesPodOperator(
        task_id="pod",
        namespace=namespace,
        base_container_name=WORKER,
        random_name_suffix=False,
        do_xcom_push=False,
        get_logs=False,
        # it would write the environment into the exception
        log_pod_spec_on_failure=False,
    )
    # the operator's own hook reads None as the connection kubernetes_default, which may be another cluster's
    operator.hook = KubernetesHook(
        way.connection,
        kubernetes_conn_id=None,
        config_file=way.kubeconfig,
        cluster_context=way.context,
        in_cluster=None if way.connection or way.kubeconfig else True,
    )
    return operator
