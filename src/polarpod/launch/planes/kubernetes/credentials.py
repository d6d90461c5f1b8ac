"""The credentials for a plane's cluster. One order, for the command line, a task and a trigger alike.

1. `connection` of the plane, in a process with Airflow; the command line skips it.
2. `kubeconfig` of the plane.
3. The files that $KUBECONFIG names.
4. ~/.kube/config, if it exists.
5. The service account of the pod that this process runs in; not for a plane with a `context`, which is a kubeconfig's.

The first one present is used; a fault in it is an error, never a reason to try the next. 3 to 5 are kubectl's own order.
Each process reads its own environment, so a trigger needs the same files and variables as the workers of its deployment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from polarpod.launch.planes.kubernetes.config import KubernetesPlane

# where Kubernetes mounts a pod's token
_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_HOME = "~/.kube/config"


class Way(NamedTuple):
    """The credentials used: a connection, else a kubeconfig (several files separated by `:`), else the pod's account."""

    connection: str | None = None
    kubeconfig: str | None = None
    context: str | None = None
    from_environment: bool = False

    def __str__(self) -> str:
        """The description in messages."""
        if self.connection:
            return f"Airflow connection {self.connection!r}"
        if not self.kubeconfig:
            return "the service account of this pod"
        named = " ($KUBECONFIG)" if self.from_environment else ""
        return f"kubeconfig {self.kubeconfig}{named}, context {self.context or 'current'}"


class Access(NamedTuple):
    """The keys of a plane that select the credentials for its cluster."""

    connection: str | None = None
    kubeconfig: str | None = None
    context: str | None = None

    @classmethod
    def of(cls, plane: KubernetesPlane, *, airflow: bool = False) -> Access:
        """Args:
        airflow: whether there are Airflow connections here.
        """
        return cls(plane.connection if airflow else None, plane.kubeconfig, plane.context)

    def way(self, environment: Mapping[str, str] = os.environ) -> Way:
        """The credentials that this process uses, by its environment and files."""
        if self.connection:
            return Way(connection=self.connection)
        if self.kubeconfig:
            return Way(kubeconfig=self.kubeconfig, context=self.context)
        if given := environment.get("KUBECONFIG"):
            return Way(kubeconfig=given, context=self.context, from_environment=True)
        home = Path(_HOME).expanduser()
        if home.is_file() or self.context or not _TOKEN.is_file():
            return Way(kubeconfig=str(home), context=self.context)
        return Way()


def reject_missing(way: Way) -> None:
    """Raises FileNotFoundError where none of a kubeconfig's files exists; a client would only report that it is invalid.

    Of several files, kubectl and the clients skip those that do not exist.
    """
    paths = [path for path in (way.kubeconfig or "").split(os.pathsep) if path]
    if way.kubeconfig is not None and not any(Path(path).expanduser().is_file() for path in paths):
        raise FileNotFoundError(f"no such file: {way.kubeconfig}")
