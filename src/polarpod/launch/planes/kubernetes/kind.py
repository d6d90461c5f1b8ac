"""The `kubernetes` plane as a plane kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from polarpod.launch.planes.kind import Finding, Leftover
from polarpod.launch.planes.kubernetes.config import KubernetesPlane

if TYPE_CHECKING:
    from polarpod.contract.context import Context
    from polarpod.launch.attempt_records import AttemptInfo
    from polarpod.launch.worker import Launcher


class KubernetesKind:
    """See `PlaneKind`. The Kubernetes client is imported by the methods that connect."""

    config = KubernetesPlane

    def launcher(self, plane: KubernetesPlane) -> Launcher:
        from polarpod.launch.planes.kubernetes.cluster import connect
        from polarpod.launch.planes.kubernetes.launcher import PodLauncher

        return PodLauncher(plane, connect(plane))

    def render(self, plane: KubernetesPlane, context: Context, data: bytes) -> str:
        import yaml

        from polarpod.launch.planes.kubernetes.render.template import pod_of

        return yaml.safe_dump(pod_of(context, data, plane), sort_keys=False, width=1000)

    def follow_log(
        self, plane: KubernetesPlane, context: Context, say: Callable[[bytes], object], *, tail: int | None
    ) -> bool:
        from polarpod.launch.planes.kubernetes.cluster import connect
        from polarpod.launch.planes.kubernetes.launcher import PodLauncher

        return PodLauncher(plane, connect(plane)).print_log(context, say, tail=tail)

    def examine(self, plane: KubernetesPlane, *, code_version: str | None) -> Iterator[Finding]:
        from polarpod.launch.planes.kubernetes.cluster import connect
        from polarpod.launch.planes.kubernetes.examine import examine

        return examine(plane, connect, code_version=code_version)

    def live_attempts(self, plane: KubernetesPlane) -> Set[str]:
        from polarpod.launch.planes.kubernetes.cluster import connect
        from polarpod.launch.planes.kubernetes.leftovers import live_attempts

        return live_attempts(connect(plane))

    def leftovers(self, plane: KubernetesPlane, known: Mapping[str, AttemptInfo], *, now: dt.datetime) -> list[Leftover]:
        from polarpod.launch.planes.kubernetes.cluster import connect
        from polarpod.launch.planes.kubernetes.leftovers import find_left_pods

        return find_left_pods(connect(plane), known, now=now)

    def remove(self, plane: KubernetesPlane, leftovers: Sequence[Leftover]) -> None:
        from polarpod.launch.planes.kubernetes.cluster import connect
        from polarpod.launch.planes.kubernetes.leftovers import delete_pods

        delete_pods(connect(plane), leftovers)


KIND = KubernetesKind()
