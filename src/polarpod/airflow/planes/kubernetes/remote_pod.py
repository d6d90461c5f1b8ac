"""One pod in the triggerer: watched and deleted with kubernetes_asyncio.

Responses are read raw, as lines of JSON: all other code reads pods as plain JSON too. Raw responses do not raise on errors;
`_answered` does.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from polarpod.contract.redact import redact
from polarpod.launch.planes.kubernetes.credentials import Access, Way, reject_missing
from polarpod.launch.planes.kubernetes.status import Json, Status

# a watch is renewed after this long, so that a dead connection is detected
_WATCH_SECONDS = 240
# how often a pod that has not started is read again: its start timeout ends by the clock, not by a change
_LOOK_SECONDS = 15
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 30
_NOT_FOUND = 404
_LONGEST_WORDS = 300


class Unanswered(Exception):
    """The API server responded with an error status."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"the API server answered {code}")


class RemotePod:
    """A pod by name and uid; a later pod of the same name is a different one.

    Args:
        cluster: the fields of `Access`.
    """

    def __init__(self, name: str, uid: str, namespace: str, cluster: dict[str, str | None]) -> None:
        self.name = name
        self.uid = uid
        self._namespace = namespace
        self._access = Access(**cluster)

    async def changes(self, wants_events: Callable[[Status], bool]) -> AsyncGenerator[Status]:
        """Yields the pod's status now, then at every change until this watch ends or the pod is gone.

        Args:
            wants_events: whether a status is to include the pod's events.
        """
        async with self._api() as api:
            seen = await self._look(api)
            if seen is None:
                yield Status(gone=True)
                return
            status = Status(pod=seen)
            if wants_events(status):
                status = status._replace(events=await self._events(api))
            yield status
            seconds = _WATCH_SECONDS if status.started else _LOOK_SECONDS
            async with aclosing(self._watch(api, seen["metadata"]["resourceVersion"], seconds)) as events:
                async for event in events:
                    changed = event.get("object") or {}
                    # an ERROR event has no uid: it ends the watch, and the next one begins with a read
                    if (changed.get("metadata") or {}).get("uid") == self.uid:
                        yield status._replace(pod=changed, gone=event.get("type") == "DELETED")

    async def delete(self, *, grace_seconds: int) -> None:
        """Deletes this pod, by uid. A pod that is gone or replaced is no error; any other error status raises Unanswered."""
        body = {"preconditions": {"uid": self.uid}, "gracePeriodSeconds": grace_seconds}
        async with self._api() as api:
            response = await api.delete_namespaced_pod(
                self.name, self._namespace, body=body, _preload_content=False, _request_timeout=_TIMEOUT
            )
            # gone already, or replaced by another pod
            if response.status not in (_NOT_FOUND, 409):
                _answered(response)

    async def _look(self, api: Any) -> Json | None:
        response = await api.read_namespaced_pod(
            self.name, self._namespace, _preload_content=False, _request_timeout=_TIMEOUT
        )
        if response.status == _NOT_FOUND:
            return None
        found: Json = json.loads(await _answered(response).read())
        return found if found["metadata"]["uid"] == self.uid else None

    async def _events(self, api: Any) -> list[Json]:
        """The pod's events, oldest first; empty where reading events is forbidden, since they are only for explanations."""
        response = await api.list_namespaced_event(
            self._namespace,
            field_selector=f"involvedObject.uid={self.uid}",
            _preload_content=False,
            _request_timeout=_TIMEOUT,
        )
        items = json.loads(await response.read()).get("items") or () if response.status == 200 else ()
        return sorted(items, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""))

    async def _watch(self, api: Any, version: str, seconds: int) -> AsyncGenerator[Json]:
        response = await api.list_namespaced_pod(
            self._namespace,
            field_selector=f"metadata.name={self.name}",
            resource_version=version,
            watch=True,
            timeout_seconds=seconds,
            _preload_content=False,
            _request_timeout=(_CONNECT_SECONDS, seconds + _ANSWER_SECONDS),
        )
        rest = b""
        try:
            # by chunks: when reading by lines, aiohttp fails on a line of 128 KiB, which a pod can exceed
            async for chunk in _answered(response).content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield json.loads(line)
        finally:
            response.close()

    @asynccontextmanager
    async def _api(self) -> AsyncIterator[Any]:
        """A client with fresh credentials."""
        from kubernetes_asyncio import client

        async with self._client() as found:
            yield client.CoreV1Api(found)

    def _client(self) -> AbstractAsyncContextManager[Any]:
        way = self._access.way()
        if way.connection:
            from airflow.providers.cncf.kubernetes.hooks.kubernetes import AsyncKubernetesHook

            found: AbstractAsyncContextManager[Any] = AsyncKubernetesHook(conn_id=way.connection).get_conn()
            return found
        return _opened(way)


_TIMEOUT = (_CONNECT_SECONDS, _ANSWER_SECONDS)


def words(error: Exception) -> str:
    return f"{type(error).__name__}: {redact(' '.join(str(error).split()))[:_LONGEST_WORDS]}"


def _answered(response: Any) -> Any:
    if not 200 <= response.status <= 299:
        raise Unanswered(response.status)
    return response


@asynccontextmanager
async def _opened(way: Way) -> AsyncIterator[Any]:
    from kubernetes_asyncio import client, config

    found = client.Configuration()
    if way.kubeconfig is None:
        config.load_incluster_config(client_configuration=found)
    else:
        reject_missing(way)
        await config.load_kube_config(config_file=way.kubeconfig, context=way.context, client_configuration=found)
    async with client.ApiClient(found) as opened:
        yield opened
