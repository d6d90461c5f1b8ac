"""The only place that talks to a Kubernetes API server.

Pods go in and come out as plain JSON. What the server refuses is a `Refusal` for `diagnose`; that it cannot be reached, or
does not let us in, is a PolarpodError in words. Response headers and request bodies stay out of both: they carry tokens.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from polarpod.contract.redact import redact
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.kubernetes.refusal import refused
from polarpod.launch.kubernetes.status import Json, Refusal
from polarpod.launch.plane import KubernetesPlane

# an API server that is there answers in milliseconds; a watch says nothing for as long as nothing happens
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 30
# servers end watches after 30 to 60 minutes by themselves; ours end earlier, so that a dead connection is noticed
_WATCH_SECONDS = 300
_LONGEST_TEXT = 500
_NO_HANDSHAKE = re.compile(r"certificate|handshake|wrong version number|unknown ca|protocol version", re.IGNORECASE)
# of a request that is safe to repeat: connections that were never made, and one that hung or broke
_RETRIES = urllib3.Retry(3, read=1)
# a job that prints without an end of line must not fill this process
_LONGEST_LINE_BYTES = 64 * 1024

T = TypeVar("T")

MakeApi = Callable[[], client.CoreV1Api]


class Refused(Exception):
    """The API server answered, and the answer is no."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(f"{refusal.code} {refusal.reason}: {refusal.message}")


class NoAnswer(PolarpodError):
    """A request went out, and no answer came back: what it asked for may have been done."""


class Cluster:
    """One namespace of one cluster."""

    def __init__(self, make_api: MakeApi, *, namespace: str, where: str) -> None:
        """Args:
        make_api: a client with fresh credentials; called again when the server says that they have expired.
        where: the cluster in words, for messages.
        """
        self._make_api = make_api
        self._api = make_api()
        self.namespace = namespace
        self.where = where

    def create(self, manifest: Json, *, dry_run: bool = False) -> Json:
        """Creates a pod.

        Raises:
            Refused: it is not taken.
            NoAnswer: it may be there all the same.
        """
        options = {"dry_run": "All"} if dry_run else {}
        return self._pod(
            lambda api: api.create_namespaced_pod(
                self.namespace, body=manifest, _preload_content=False, _request_timeout=_TIMEOUT, **options
            )
        )

    def pod(self, name: str) -> Json | None:
        """A pod as it is now; None where there is none of that name."""
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
        """What happened to a pod, oldest first; nothing where events may not be read: they only help to explain."""
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
        """Deletes exactly this pod: one of the same name that somebody made later stays."""
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
        """The changes of one pod since a version, a line of JSON each."""
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
        """A container's log as it grows, a line each with its timestamp in front, the end of an endless one left out.

        Raises:
            Refused: it has not started yet (400), or is gone (404).
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
        """Whether these credentials are allowed something. Everybody may ask that about themselves."""
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
        """Whether the API server says that it is not ready yet, which it tells everybody, whatever their rights."""
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
        """The server's version and its clock, in seconds since the epoch; None where a proxy keeps that back."""

        def ask(api: client.CoreV1Api) -> tuple[str, float | None]:
            answer = client.VersionApi(api.api_client).get_code(_preload_content=False, _request_timeout=_TIMEOUT)
            found, date = json.loads(answer.data), answer.headers.get("Date")
            version = found.get("gitVersion") if isinstance(found, dict) else None
            return str(version), parsedate_to_datetime(date).timestamp() if date else None

        return self._answered(ask)

    def quotas(self) -> list[Json] | None:
        """The namespace's quotas; None where they may not be read, which a launcher has no other need to."""
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
        # the body comes after the headers, from a server that may be gone by then
        found = self._answered(lambda api: json.loads(call(api).data))
        if not isinstance(found, dict):
            raise _unreachable(self.where, "its answer is no object of Kubernetes", sent=True)
        return found

    def _pod(self, call: Callable[[client.CoreV1Api], urllib3.HTTPResponse]) -> Json:
        found = self._json(call)
        metadata = found.get("metadata")
        if not isinstance(metadata, dict) or not {"name", "uid"} <= metadata.keys():
            raise _unreachable(self.where, "its answer is no pod", sent=True)
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
            with _in_words(self.where):
                return call(self._api)
        except Refused as error:
            if error.refusal.code != 401:
                raise
        # a token that was good when this run began may have expired since: EKS' live for 15 minutes
        with suppress(PolarpodError):
            self._api = self._make_api()
        with _in_words(self.where):
            return call(self._api)


class Stream:
    """Whole lines as they come, until the server ends them or somebody else closes this.

    Attributes:
        broken: the connection ended before the server did. That ends the lines too: whoever reads asks what is true now.
    """

    def __init__(self, response: urllib3.HTTPResponse, *, longest: int | None = None) -> None:
        """Args:
        longest: what comes after so many bytes of a line is left out.
        """
        self._response = response
        self._longest = longest
        self._pieces: list[bytes] = []
        self._size = 0
        self.broken = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._response.stream(None, decode_content=False):
                *lines, rest = chunk.split(b"\n")
                for line in lines:
                    self._keep(line)
                    yield self.rest
                    self._pieces, self._size = [], 0
                self._keep(rest)
        except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
            self.broken = True

    @property
    def rest(self) -> bytes:
        """What came after the last end of a line: words without one, or half a line, which no one can tell apart here."""
        return b"".join(self._pieces)

    def _keep(self, piece: bytes) -> None:
        kept = piece if self._longest is None else piece[: max(self._longest - self._size, 0)]
        if kept:
            self._pieces.append(kept)
            self._size += len(kept)

    def close(self) -> None:
        """Ends the reading, also from another thread."""
        with suppress(Exception):  # a connection in any state; there is nothing to be said about it
            self._response.shutdown()
        with suppress(Exception):
            self._response.close()


def connect(plane: KubernetesPlane) -> Cluster:
    """The cluster that a plane names, by its kubeconfig or from inside.

    Raises:
        PolarpodError: there is no usable configuration. Nothing is asked of the cluster yet.
    """
    where = where_is(plane)

    def make_api() -> client.CoreV1Api:
        found = client.Configuration()
        try:
            if plane.kubeconfig is None and plane.context is None and _inside():
                config.load_incluster_config(client_configuration=found)
            else:
                reject_missing(plane.kubeconfig)
                with _raising_what_is_logged():
                    config.load_kube_config(config_file=plane.kubeconfig, context=plane.context, client_configuration=found)
        except Exception as error:  # noqa: BLE001  # the loader lets through whatever YAML, base64 and exec plugins raise
            raise unusable(where, error) from None
        found.retries = _RETRIES
        return client.CoreV1Api(client.ApiClient(found))

    return Cluster(make_api, namespace=plane.namespace, where=where)


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


def where_is(plane: KubernetesPlane) -> str:
    """The cluster in words, as its kubeconfig names it."""
    return f"kubeconfig {plane.kubeconfig or 'by default'}, context {plane.context or 'current'}"


def reject_missing(path: str | None) -> None:
    """Raises FileNotFoundError for a kubeconfig that is not there; the client library would only say that it is invalid."""
    if path is not None and not Path(path).is_file():
        raise FileNotFoundError(f"no such file: {path}")


def unusable(where: str, error: Exception, *, remedy: str = "") -> PolarpodError:
    """A cluster's configuration that no client can be made of, in words."""
    return PolarpodError(
        Category.REQUEST_INVALID,
        "the cluster's configuration cannot be used",
        evidence=[where, _words(error)],
        remedy=remedy
        or "Correct `kubeconfig` and `context` of the plane; `kubectl config get-contexts` lists them. "
        "`make cluster` writes those of a local cluster.",
    )


_TIMEOUT = (_CONNECT_SECONDS, _ANSWER_SECONDS)


def told(refusal: Refusal) -> PolarpodError:
    """A refusal in words, where nobody can make more of it."""
    verdict = refused(refusal)
    return PolarpodError(verdict.category, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy)


@contextmanager
def _in_words(where: str) -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        if error.status:
            raise Refused(_refusal(error)) from None
        raise _unreachable(where, str(error.reason)) from None
    except urllib3.exceptions.LocationValueError as error:
        raise unusable(where, error) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(where, _words(error), sent=_was_sent(error)) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # half an answer, or one of something in between
        raise _unreachable(where, f"its answer is no JSON: {_words(error)}", sent=True) from None
    except ValueError as error:  # a token or an address that no request can be made of
        raise unusable(where, error) from None


def _was_sent(error: Exception) -> bool:
    """Whether a request may have come through. A connection that was never made is told apart by its own errors."""
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    if isinstance(cause, urllib3.exceptions.SSLError):
        # TLS can break at any time; these end it before anything is said
        return not _NO_HANDSHAKE.search(str(cause))
    never = urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError
    return not isinstance(cause, never)


def _refusal(error: ApiException) -> Refusal:
    try:
        body = json.loads(error.body)
        reason, message = str(body.get("reason") or ""), str(body.get("message") or "")
    except (TypeError, ValueError, AttributeError):
        # not a Status object: a proxy in between, whose page may hold anything
        reason, message = str(error.reason or ""), ""
    return Refusal(int(error.status), reason, redact(message)[:2000])


def _unreachable(where: str, words: str, *, sent: bool = False) -> PolarpodError:
    expired = "certificate" in words.lower()
    return (NoAnswer if sent else PolarpodError)(
        Category.CLUSTER_UNREACHABLE,
        "the cluster's API server cannot be reached",
        evidence=[where, words],
        remedy="Its certificate is not the one the kubeconfig trusts: get a fresh kubeconfig."
        if expired
        else "Check that the cluster is up and this machine can reach it: `kubectl cluster-info` with the same kubeconfig.",
    )


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {redact(' '.join(str(error).split()))[:_LONGEST_TEXT]}"


def _inside() -> bool:
    return (
        Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
        and not Path("~/.kube/config").expanduser().exists()
    )
