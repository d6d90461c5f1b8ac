"""The trigger of a deferred run: one watch on one pod, until the task must read it again.

It decides nothing: it wakes the task, which judges with the same code as a task that is not deferred. Its arguments are
stored in Airflow's database, so they name a cluster's configuration and never contain one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from polarpod.airflow.planes.kubernetes.remote_pod import RemotePod, words
from polarpod.launch.planes.kubernetes.start_clock import StartClock
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.start_timeout import is_abandoned, patience, wants_events

# before the next request to an API server that does not respond
_AGAIN_SECONDS = 10.0
# between two watches, so that a proxy that ends each at once does not cause a storm of requests
_BETWEEN_SECONDS = 1.0
# The minimum wait before a task is woken: Airflow (seen with 3.3.2) fails a task that resumes before its scheduler knows
# that the deferring process has ended. That took 4 s on a busy machine; the trigger starts 1-2 s after the deferral.
_SETTLED_SECONDS = 5.0
# How long the trigger waits while the pod cannot be read; the task may reach its cluster in another way and report more.
_BLIND_SECONDS = 300.0


class PodTrigger(BaseTrigger):
    """Fires when the pod is over, is gone, is past its start timeout or deadline, or cannot be read.

    Args:
        name, uid, namespace: the pod.
        cluster: the fields of `Access`: the access to the cluster, by name.
        task: {"dag_id", "task_id", "run_id", "map_index"}: the pod's task instance.
        grace_seconds: of the pod's deletion, when the task is cleared or ended.
        start_timeout_seconds: how long it may take to start, from `created_at` (ISO 8601).
        owned: whether the task may end the pod; one that another launcher has started is left running.
    """

    def __init__(
        self,
        *,
        name: str,
        uid: str,
        namespace: str,
        cluster: dict[str, str | None],
        task: dict[str, Any],
        grace_seconds: int,
        start_timeout_seconds: int,
        created_at: str,
        owned: bool = True,
    ) -> None:
        super().__init__()
        self._arguments = {
            "name": name,
            "uid": uid,
            "namespace": namespace,
            "cluster": cluster,
            "task": task,
            "grace_seconds": grace_seconds,
            "start_timeout_seconds": start_timeout_seconds,
            "created_at": created_at,
            "owned": owned,
        }
        self._pod = RemotePod(name, uid, namespace, cluster)
        self._task = task
        self._grace_seconds = grace_seconds
        self._start_timeout_seconds = start_timeout_seconds
        self._created_at = dt.datetime.fromisoformat(created_at)
        self._owned = owned
        self._fired = False
        self._start_clock: StartClock | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "polarpod.airflow.planes.kubernetes.trigger.PodTrigger", self._arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Waits and fires once."""
        settled = time.monotonic() + _SETTLED_SECONDS
        status, blind_since = Status(), None
        while blind_since is None or time.monotonic() < blind_since + _BLIND_SECONDS:
            try:
                async with aclosing(self._pod.changes(self._wants_events)) as changes:
                    async for status in changes:
                        blind_since = None
                        if self._is_for_the_task(status):
                            break
            except Exception as error:  # noqa: BLE001  # the API server is unreachable: the pod keeps running, so wait on
                blind_since = blind_since or time.monotonic()
                self.log.warning("pod %s cannot be seen just now: %s", self._pod.name, words(error))
            if self._is_for_the_task(status):
                break
            await asyncio.sleep(_AGAIN_SECONDS if blind_since else _BETWEEN_SECONDS)
        if (early := settled - time.monotonic()) > 0:
            await asyncio.sleep(early)
        self._fired = True
        yield TriggerEvent({"pod": self._pod.name, "uid": self._pod.uid, "phase": "gone" if status.gone else status.phase})

    def _is_for_the_task(self, status: Status) -> bool:
        if status.pod is None or status.over:
            return status.over
        aged = self._aged(status)
        # made at the first status: a trigger that was moved to another process has not seen the pod wait in a queue
        self._start_clock = self._start_clock or StartClock(aged.seconds)
        queued = self._start_clock.look(aged)
        late = patience(aged, start_timeout_seconds=self._start_timeout_seconds, queued_seconds=queued)
        return is_abandoned(aged) or late is not None

    def _wants_events(self, status: Status) -> bool:
        return wants_events(self._aged(status))

    def _aged(self, status: Status) -> Status:
        return status._replace(seconds=(dt.datetime.now(dt.UTC) - self._created_at).total_seconds())

    async def on_kill(self) -> None:
        """Ends the pod: the task was cleared or ended. Airflow 3.3 and later call this."""
        await _to_its_end(self._end_pod())

    async def cleanup(self) -> None:
        """Before Airflow 3.3, ends the pod unless the task is still deferred: cleanup is called for a restart too."""
        if not self._fired and not hasattr(BaseTrigger, "on_kill"):
            await _to_its_end(self._end_pod_unless_deferred())

    async def _end_pod_unless_deferred(self) -> None:
        if await self._was_ended():
            await self._end_pod()

    async def _was_ended(self) -> bool:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
        from asgiref.sync import sync_to_async

        task = self._task
        try:
            states = await sync_to_async(RuntimeTaskInstance.get_task_states)(
                dag_id=task["dag_id"], task_ids=[task["task_id"]], run_ids=[task["run_id"]], map_index=task["map_index"]
            )
        except Exception as error:  # noqa: BLE001  # on any error, keep a pod whose task may continue
            self.log.warning("the task's state is not known, so its pod stays: %s", type(error).__name__)
            return False
        found = states.get(task["run_id"], {})
        mapped = f"{task['task_id']}_{task['map_index']}"
        return str(found.get(mapped, found.get(task["task_id"]))) != "deferred"

    async def _end_pod(self) -> None:
        """Deletes the pod. Never raises: the pod's deadline and `polarpod gc` end one that could not be deleted."""
        if not self._owned:
            self.log.info("the task was ended; pod %s was started by another launcher and goes on", self._pod.name)
            return
        self.log.info("the task was ended, so pod %s is", self._pod.name)
        try:
            await self._pod.delete(grace_seconds=self._grace_seconds)
        except Exception as error:  # noqa: BLE001  # as above
            self.log.warning("pod %s could not be deleted: %s", self._pod.name, words(error))


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Awaits the work to its end: Airflow cancels an ending trigger again each second, also during its cleanup."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
