"""The interface of a plane kind's additions for Airflow. A kind without them runs in a task as from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol

from airflow.triggers.base import BaseTrigger

from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.registry import launcher_of
from polarpod.launch.worker import Deferred, Launcher

_BUILT_IN = {"kubernetes": "polarpod.airflow.planes.kubernetes.kind"}
_ADD_NOTHING = {"process"}
# the entry point group in which a package declares its plane kind's additions: kind = "package.module:OBJECT"
ENTRY_POINTS = "polarpod.airflow.planes"


class AirflowPlaneKind(Protocol):
    """How a task launches on one kind of plane."""

    def launcher(self, plane: Any, context: Mapping[str, Any], *, deferrable: bool, woken: str | None) -> Launcher:
        """The launcher of a task instance.

        Args:
            context: Airflow's, of the task that runs.
            deferrable: the launcher raises Deferred instead of waiting.
            woken: uid of the attempt whose trigger has fired.
        """
        ...

    def trigger(self, handed: Deferred, plane: Any, task: dict[str, Any]) -> BaseTrigger:
        """The trigger that waits for a deferred worker."""
        ...


class WithoutAirflow:
    """A kind that adds nothing: a deferrable task waits in the worker."""

    def launcher(
        self,
        plane: Plane,
        context: Mapping[str, Any],  # noqa: ARG002  # as `AirflowPlaneKind`
        *,
        deferrable: bool,  # noqa: ARG002  # as `AirflowPlaneKind`
        woken: str | None,  # noqa: ARG002  # as `AirflowPlaneKind`
    ) -> Launcher:
        return launcher_of(plane)

    def trigger(self, handed: Deferred, plane: Any, task: dict[str, Any]) -> BaseTrigger:
        raise NotImplementedError("its launcher hands nothing over")


@cache
def airflow_kind(name: str) -> AirflowPlaneKind:
    """The additions of the plane kind with this name."""
    if name in _BUILT_IN:
        found: AirflowPlaneKind = import_module(_BUILT_IN[name]).KIND
        return found
    # reading the metadata of every installed package takes longer than the rest of a launch
    for entry in () if name in _ADD_NOTHING else entry_points(group=ENTRY_POINTS, name=name):
        loaded: AirflowPlaneKind = entry.load()
        return loaded
    return WithoutAirflow()
