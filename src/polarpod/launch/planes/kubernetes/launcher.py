"""One attempt as a pod: creates it, watches it, forwards its log, deletes it, and returns its end.

The pod's status over a watch decides, never the end of a log. A successful short pod costs the API server four requests:
create, watch, log, delete.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from polarpod.contract import labels
from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import PolarpodError, Verdict
from polarpod.launch.listener import Listener
from polarpod.launch.pause import pause
from polarpod.launch.planes.kubernetes.api_errors import Refused
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.creation import Creation, Pause
from polarpod.launch.planes.kubernetes.logs import LogFollower
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.planes.kubernetes.render.names import pod_name
from polarpod.launch.planes.kubernetes.render.template import load_template, pod_of
from polarpod.launch.planes.kubernetes.status import Json, Status
from polarpod.launch.planes.kubernetes.verdicts.diagnose import diagnose
from polarpod.launch.planes.kubernetes.wait import Watched, detached
from polarpod.launch.planes.kubernetes.watch import Changes, News
from polarpod.launch.worker import Unobservable, WorkerExit, message_of

# a launcher creates the pod milliseconds after it writes the context; this limit is generous
_CREATION_SECONDS = 20.0


class PodLauncher:
    """Launches workers as pods of one plane."""

    def __init__(
        self,
        plane: KubernetesPlane,
        cluster: Cluster,
        *,
        finish: Callable[[dict[str, object]], Json] = lambda manifest: manifest,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        pause: Pause = pause,
    ) -> None:
        """Args:
        finish: returns a manifest as the caller wants it sent, such as with Airflow's labels and cluster policy.
        """
        self._plane = plane
        self._cluster = cluster
        self._finish = finish
        self._now = now
        self._pause = pause
        # read now: a missing template is reported before an attempt takes a number
        if plane.template:
            load_template(Path(plane.template))

    def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
        started = self.start(context, data, listener)
        return started if isinstance(started, WorkerExit) else self._see_through(started, context, listener, owned=True)

    def manifest(self, context: Context, data: bytes) -> Json:
        """The pod's manifest as it is sent."""
        return self._finish(pod_of(context, data, self._plane))

    def start(self, context: Context, data: bytes, listener: Listener) -> Pod | WorkerExit:
        """Creates the pod; returns the attempt's end where the API server rejects it.

        Raises:
            Unobservable: the pod may exist, and the lookup fails.
        """
        begun = time.monotonic()
        creation = Creation(
            self._cluster,
            self.manifest(context, data),
            lambda: self.find(context),
            queue_seconds=self._plane.start_timeout_seconds,
            pause=self._pause,
            stop=listener.stop,
        )
        try:
            return creation.run()
        except Refused as error:
            stopped = listener.stop()
            status = Status(refusal=error.refusal, stop_requested=stopped, seconds=time.monotonic() - begun)
            return self._ended(status, context, b"")

    def attach(self, context: Context, listener: Listener, *, orphaned: bool, handed_over: bool = False) -> WorkerExit:
        """See `Launcher`.

        Args:
            handed_over: whether this run watched the pod until now, in another process, and did not delete it.
        """
        while True:
            if pod := self.find(context):
                return self._see_through(pod, context, listener, owned=orphaned, attached=not handed_over)
            age = (self._now() - context.created_at).total_seconds()
            if orphaned or age > _CREATION_SECONDS:
                return self._ended(Status(gone=True, seconds=age, found_deleted=not handed_over), context, b"")
            if listener.stop():
                raise detached(context, pod_name(context), self._cluster.namespace)
            self._pause(1, listener.stop)

    def find(self, context: Context) -> Pod | None:
        """The attempt's pod, or None. A pod of its name with another uid in its label belongs to another attempt."""
        seen = self._cluster.pod(pod_name(context))
        if seen is None or (seen["metadata"].get("labels") or {}).get(labels.ATTEMPT_UID) != context.attempt.uid:
            return None
        return Pod.of(seen)

    def print_log(self, context: Context, say: Callable[[bytes], object], *, tail: int | None) -> bool:
        """Passes the log of an attempt's pod to `say`, to its end. Returns False where there is no such pod."""
        pod = self.find(context)
        if pod is None:
            return False
        over = threading.Event()

        def hear(news: News) -> None:
            if not isinstance(news, dict) or Status(pod=news).over:
                over.set()

        hear(pod.seen)
        changes = Changes(self._cluster, pod, hear, left=lambda: 0.0)
        threading.Thread(target=changes.follow, daemon=True).start()
        try:
            LogFollower(self._cluster, pod.name, say, tail_lines=tail).follow(over)
        finally:
            changes.close()
        return True

    def _see_through(
        self, pod: Pod, context: Context, listener: Listener, *, owned: bool, attached: bool = False
    ) -> WorkerExit:
        watched = Watched(
            self._cluster,
            pod,
            context,
            listener,
            self._plane.start_timeout_seconds,
            self._now,
            owned=owned,
            attached=attached,
        )
        try:
            status, gave_up = watched.until_over()
        except Unobservable:
            raise  # the pod may continue; the next launcher attaches to it
        except BaseException:
            if owned:
                self._take_away(pod, grace_seconds=context.grace_seconds)
            raise
        finally:
            watched.close()
        log = watched.tail.bytes()
        ended = self._gave_up(gave_up, log, status) if gave_up else self._ended(status, context, log)
        if self._plane.keep_pods and status.terminated and not gave_up:
            return ended
        return ended._replace(release=lambda: self._take_away(pod))

    def _take_away(self, pod: Pod, *, grace_seconds: int | None = None) -> None:
        """Deletes a pod. Never raises: a failure here must not hide the run's verdict, and `polarpod gc` deletes it too."""
        with suppress(PolarpodError):
            self._cluster.delete(pod.name, pod.uid, grace_seconds=grace_seconds)

    def _ended(self, status: Status, context: Context, log: bytes) -> WorkerExit:
        uid, limit = context.attempt.uid, context.resources.memory_bytes

        def judge(receipt: Receipt | None) -> Verdict:
            return diagnose(status, receipt, uid=uid, memory_limit_bytes=limit)

        return WorkerExit(judge, _last_words(status, uid), log, status, seen=status.terminated is not None)

    def _gave_up(self, verdict: Verdict, log: bytes, status: Status) -> WorkerExit:
        return WorkerExit(lambda receipt: receipt.verdict if receipt else verdict, None, log, status)


def _last_words(status: Status, uid: str) -> Message | None:
    words = (status.terminated or {}).get("message")
    return message_of(str(words).encode(), uid) if words else None
