"""A client's configuration, from a kubeconfig on this machine or the service account of this process's pod."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes import client, config

from polarpod.launch.planes.kubernetes.api_errors import unusable
from polarpod.launch.planes.kubernetes.credentials import Way, reject_missing


def configuration(way: Way) -> client.Configuration:
    """The client's configuration, with fresh credentials.

    Raises:
        PolarpodError: there is no usable configuration. No request is sent to the cluster yet.
    """
    found = client.Configuration()
    try:
        if way.kubeconfig is None:
            config.load_incluster_config(client_configuration=found)
        else:
            reject_missing(way)
            with _raising_what_is_logged():
                config.load_kube_config(config_file=way.kubeconfig, context=way.context, client_configuration=found)
    except Exception as error:  # noqa: BLE001  # the loader does not catch what YAML, base64 and exec plugins raise
        raise unusable(str(way), error) from None
    return found


class _Logged(logging.Handler):
    """Keeps the errors that the creating thread logs by the root logger."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._thread = threading.get_ident()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "root" and record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def _raising_what_is_logged() -> Iterator[None]:
    """Raises what the kubeconfig's loader only logs: a failed token command, without which requests would return 401."""
    handler = _Logged()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
    if handler.said:
        raise RuntimeError("; ".join(handler.said))
