"""Launches pods whose end the triggerer waits for."""

from __future__ import annotations

from typing import Any

from polarpod.airflow.planes.kubernetes.trigger import PodTrigger
from polarpod.contract.context import Context
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.credentials import Access
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.worker import Deferred, WorkerExit


class Deferring:
    """Starts pods and hands them over to the triggerer; attaches only to pods that are over, woken for, or to be stopped."""

    def __init__(self, pods: PodLauncher, *, woken: str | None) -> None:
        """Args:
        woken: the uid of the attempt whose trigger has fired.
        """
        self._pods = pods
        self._woken = woken

    def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
        started = self._pods.start(context, data, listener)
        if not isinstance(started, Pod):
            return started
        if listener.stop():
            # a stopping task cannot defer
            return self._pods.attach(context, listener, orphaned=True, handed_over=True)
        raise Deferred(context, started)

    def attach(self, context: Context, listener: Listener, *, orphaned: bool) -> WorkerExit:
        woken = context.attempt.uid == self._woken
        if woken or listener.stop():
            # neither the trigger that woke the task nor the task before it has deleted the pod
            return self._pods.attach(context, listener, orphaned=orphaned, handed_over=woken and orphaned)
        if (pod := self._pods.find(context)) and not Status(pod=pod.seen).over:
            raise Deferred(context, pod, owned=orphaned)
        return self._pods.attach(context, listener, orphaned=orphaned)


def trigger_of(handed: Deferred, plane: KubernetesPlane, task: dict[str, Any]) -> PodTrigger:
    """The trigger that waits for a deferred pod."""
    pod, attempt = handed.worker, handed.context
    assert isinstance(pod, Pod), "Deferring hands over nothing else"
    return PodTrigger(
        name=pod.name,
        uid=pod.uid,
        namespace=plane.namespace,
        cluster=Access.of(plane, airflow=True)._asdict(),
        task=task,
        grace_seconds=attempt.grace_seconds,
        start_timeout_seconds=plane.start_timeout_seconds,
        created_at=attempt.created_at.isoformat(),
        owned=handed.owned,
    )
