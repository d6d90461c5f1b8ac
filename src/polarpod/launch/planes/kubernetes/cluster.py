"""The only module that calls a Kubernetes API server. It takes and returns pods as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import urllib3
from kubernetes import client

from polarpod.contract.verdict import PolarpodError
from polarpod.launch.planes.kubernetes.api_errors import Refused, in_words, told, unreachable
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.credentials import Access
from polarpod.launch.planes.kubernetes.kubeconfig import configuration
from polarpod.launch.planes.kubernetes.status import Json
from polarpod.launch.planes.kubernetes.stream import Stream

# a healthy API server answers in milliseconds; a watch is silent while nothing changes
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 30
_TIMEOUT = (_CONNECT_SECONDS, _ANSWER_SECONDS)
# servers end watches after 30 to 60 minutes by themselves; these end earlier, so that a dead connection is detected
_WATCH_SECONDS = 300
# retries of an idempotent request: of connections that were never established, and of one that hung or broke
_RETRIES = urllib3.Retry(3, read=1)
# a job that prints without line ends must not fill this process's memory
_LONGEST_LINE_BYTES = 64 * 1024

T = TypeVar("T")

MakeApi = Callable[[], client.CoreV1Api]


class Cluster:
    """One namespace of one cluster."""

    def __init__(self, make_api: MakeApi, *, namespace: str, where: str) -> None:
        """Args:
        make_api: returns a client with fresh credentials; called again when the server reports that they have expired.
        where: the cluster's description in messages.
        """
        self._make_api = make_api
        self._api = make_api()
        self.namespace = namespace
        self.where = where

    def create(self, manifest: Json, *, dry_run: bool = False) -> Json:
        """Creates a pod, and returns it.

        Raises:
            Refused: the API server rejects it.
            NoAnswer: the pod may exist nonetheless.
        """
        options = {"dry_run": "All"} if dry_run else {}
        return self._pod(
            lambda api: api.create_namespaced_pod(
                self.namespace, body=manifest, _preload_content=False, _request_timeout=_TIMEOUT, **options
            )
        )

    def pod(self, name: str) -> Json | None:
        """The current pod of that name; None where there is none."""
        try:
            return self._pod(
                lambda api: api.read_namespaced_pod(name, self.namespace, _preload_content=False, _request_timeout=_TIMEOUT)
            )
        except Refused as error:
            if error.refusal.code == 404:
                return None
            raise told(error.refusal) from None

    def pods(self, selector: str) -> list[Json]:
        """The pods with these labels."""
        found = self._told(
            lambda api: api.list_namespaced_pod(
                self.namespace, label_selector=selector, _preload_content=False, _request_timeout=_TIMEOUT
            )
        )
        return list(found.get("items") or ())

    def events(self, uid: str) -> list[Json]:
        """A pod's events, oldest first; empty where they may not be read: they only add to an explanation."""
        try:
            found = self._told(
                lambda api: api.list_namespaced_event(
                    self.namespace,
                    field_selector=f"involvedObject.uid={uid}",
                    _preload_content=False,
                    _request_timeout=_TIMEOUT,
                )
            )
        except PolarpodError:
            return []
        items = list(found.get("items") or ())
        return sorted(items, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""))

    def delete(self, name: str, uid: str, *, grace_seconds: int | None = None) -> None:
        """Deletes exactly this pod: a later one of the same name stays."""
        options: dict[str, Any] = {"preconditions": {"uid": uid}}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self._json(
                lambda api: api.delete_namespaced_pod(
                    name, self.namespace, body=options, _preload_content=False, _request_timeout=_TIMEOUT
                )
            )
        except Refused as error:
            if error.refusal.code not in (404, 409):  # gone already, or another pod by now
                raise told(error.refusal) from None

    def watch(self, name: str, resource_version: str) -> Stream:
        """The changes of one pod since a version, one line of JSON each."""
        try:
            return self._stream(
                lambda api: api.list_namespaced_pod(
                    self.namespace,
                    field_selector=f"metadata.name={name}",
                    resource_version=resource_version,
                    watch=True,
                    timeout_seconds=_WATCH_SECONDS,
                    _preload_content=False,
                    _request_timeout=(_CONNECT_SECONDS, _WATCH_SECONDS + _ANSWER_SECONDS),
                )
            )
        except Refused as error:
            raise told(error.refusal) from None

    def log(self, name: str, container: str, *, since_seconds: int | None, tail_lines: int | None) -> Stream:
        """A container's log as it grows: each line starts with its timestamp, and an overlong one is truncated.

        Raises:
            Refused: the container has not started yet (400), or is gone (404).
        """
        options = {"since_seconds": since_seconds, "tail_lines": tail_lines}
        return self._stream(
            lambda api: api.read_namespaced_pod_log(
                name,
                self.namespace,
                container=container,
                follow=True,
                timestamps=True,
                _preload_content=False,
                _request_timeout=(_CONNECT_SECONDS, None),
                **{key: value for key, value in options.items() if value is not None},
            ),
            longest=_LONGEST_LINE_BYTES,
        )

    def may(self, verb: str, resource: str, subresource: str = "") -> bool:
        """Whether these credentials have a right. Every identity may review its own rights."""
        attributes = {"namespace": self.namespace, "verb": verb, "resource": resource, "subresource": subresource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        found = self._told(
            lambda api: client.AuthorizationV1Api(api.api_client).create_self_subject_access_review(
                body=review, _preload_content=False, _request_timeout=_TIMEOUT
            )
        )
        return bool((found.get("status") or {}).get("allowed"))

    def is_starting(self) -> bool:
        """Whether the API server reports that it is not ready yet. /readyz answers every caller, whatever its rights."""
        try:
            self._answered(
                lambda api: api.api_client.call_api(
                    "/readyz", "GET", auth_settings=["BearerToken"], _preload_content=False, _request_timeout=_TIMEOUT
                )
            )
        except Refused as error:
            return error.refusal.code == 500
        except PolarpodError:
            return False
        return False

    def version(self) -> tuple[str, float | None]:
        """The server's version, and its clock in seconds since the epoch; None where a proxy removes that header."""

        def ask(api: client.CoreV1Api) -> tuple[str, float | None]:
            answer = client.VersionApi(api.api_client).get_code(_preload_content=False, _request_timeout=_TIMEOUT)
            found = json.loads(answer.data)
            version = found.get("gitVersion") if isinstance(found, dict) else None
            return str(version), _clock(answer.headers.get("Date"))

        return self._answered(ask)

    def quotas(self) -> list[Json] | None:
        """The namespace's quotas; None where they may not be read: a launcher does not otherwise need that right."""
        try:
            found = self._told(
                lambda api: api.list_namespaced_resource_quota(
                    self.namespace, _preload_content=False, _request_timeout=_TIMEOUT
                )
            )
        except PolarpodError:
            return None
        return list(found.get("items") or ())

    def _json(self, call: Callable[[client.CoreV1Api], urllib3.HTTPResponse]) -> Json:
        # the body follows the headers, and the server may be gone by then
        found = self._answered(lambda api: json.loads(call(api).data))
        if not isinstance(found, dict):
            raise unreachable(self.where, "its answer is no object of Kubernetes", sent=True)
        return found

    def _pod(self, call: Callable[[client.CoreV1Api], urllib3.HTTPResponse]) -> Json:
        found = self._json(call)
        metadata = found.get("metadata")
        if not isinstance(metadata, dict) or not {"name", "uid"} <= metadata.keys():
            raise unreachable(self.where, "its answer is no pod", sent=True)
        return found

    def _told(self, call: Callable[[client.CoreV1Api], urllib3.HTTPResponse]) -> Json:
        try:
            return self._json(call)
        except Refused as error:
            raise told(error.refusal) from None

    def _stream(self, call: Callable[[client.CoreV1Api], urllib3.HTTPResponse], *, longest: int | None = None) -> Stream:
        return Stream(self._answered(call), longest=longest)

    def _answered(self, call: Callable[[client.CoreV1Api], T]) -> T:
        try:
            with in_words(self.where):
                return call(self._api)
        except Refused as error:
            if error.refusal.code != 401:
                raise
        # a token that was valid when this run began may have expired since: those of EKS last 15 minutes
        with suppress(PolarpodError):
            self._api = self._make_api()
        with in_words(self.where):
            return call(self._api)


def _clock(date: str | None) -> float | None:
    with suppress(ValueError):
        return parsedate_to_datetime(date or "").timestamp()
    return None


def connect(plane: KubernetesPlane) -> Cluster:
    """The cluster that a plane names, for a process without Airflow.

    Raises:
        PolarpodError: there is no usable configuration. No request is sent to the cluster yet.
    """
    way = Access.of(plane).way()

    def make_api() -> client.CoreV1Api:
        found = configuration(way)
        found.retries = _RETRIES
        return client.CoreV1Api(client.ApiClient(found))

    return Cluster(make_api, namespace=plane.namespace, where=str(way))
