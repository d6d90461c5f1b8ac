"""Where a plane's cluster is: a kubeconfig on this machine, or the account of the pod that this is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubernetes import client, config

from polarpod.launch.kubernetes.answers import unusable
from polarpod.launch.plane import KubernetesPlane


def configuration(plane: KubernetesPlane) -> client.Configuration:
    """How to reach the cluster, with fresh credentials.

    Raises:
        PolarpodError: there is no usable configuration. Nothing is asked of the cluster yet.
    """
    found = client.Configuration()
    try:
        if plane.kubeconfig is None and plane.context is None and _inside():
            config.load_incluster_config(client_configuration=found)
        else:
            reject_missing(plane.kubeconfig)
            with _raising_what_is_logged():
                config.load_kube_config(config_file=plane.kubeconfig, context=plane.context, client_configuration=found)
    except Exception as error:  # noqa: BLE001  # the loader lets through whatever YAML, base64 and exec plugins raise
        raise unusable(where_is(plane), error) from None
    return found


def where_is(plane: KubernetesPlane) -> str:
    """The cluster in words, as its kubeconfig names it."""
    return f"kubeconfig {plane.kubeconfig or 'by default'}, context {plane.context or 'current'}"


def reject_missing(path: str | None) -> None:
    """Raises FileNotFoundError for a kubeconfig that is not there; the client library would only say that it is invalid."""
    if path is not None and not Path(path).is_file():
        raise FileNotFoundError(f"no such file: {path}")


class _Logged(logging.Handler):
    """Keeps the errors that a thread logs by the root logger."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._thread = threading.get_ident()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "root" and record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def _raising_what_is_logged() -> Iterator[None]:
    """The kubeconfig's loader logs that a command for a token failed, and goes on without one: a 401 would be told."""
    handler = _Logged()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    if handler.said:
        raise RuntimeError("; ".join(handler.said))


def _inside() -> bool:
    return (
        Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
        and not Path("~/.kube/config").expanduser().exists()
    )
