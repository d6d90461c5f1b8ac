"""One attempt as a pod: create it, watch it, pass on its log, take it away, and say how it ended.

What decides is the pod's status over a watch, never the end of a log. A successful short pod costs the API server four
requests: create, watch, log, delete.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tenacity

from polarpod.contract import labels
from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.kubernetes.cluster import Cluster, Refused, Stream
from polarpod.launch.kubernetes.diagnose import diagnose
from polarpod.launch.kubernetes.follow import LogFollower, Tail
from polarpod.launch.kubernetes.names import pod_name
from polarpod.launch.kubernetes.patience import is_abandoned, patience, wants_events
from polarpod.launch.kubernetes.refusal import is_of_a_start, refused
from polarpod.launch.kubernetes.status import Json, Refusal, Status
from polarpod.launch.kubernetes.template import load_template, pod_of
from polarpod.launch.kubernetes.waiting import in_queue
from polarpod.launch.plane import KubernetesPlane
from polarpod.launch.worker import Ended, LostSight, Watcher, message_of

# how late a request to stop is seen
_TICK_SECONDS = 0.2
# events change slowly, and each look at them is a request
_EVENTS_SECONDS = 10.0
# what the kubelet still has to say of a container that has ended
_LOG_END_SECONDS = 5.0
# after its grace period a pod is gone in a moment, unless its node is
_GONE_SECONDS = 30.0
# between a launcher's writing of a context and its creating of the pod there are milliseconds; this is generous
_CREATION_SECONDS = 20.0
# how long an API server may be away beyond the end of the run
_OUTAGE_SECONDS = 300.0
# An API server that has just started serves before it has read who may do what, and says 403 to everybody; on a busy machine
# for some seconds. Rights that were taken away for good are told that much later.
_DENIED_SECONDS = 30.0


class Pod(NamedTuple):
    """A pod that was created."""

    name: str
    uid: str
    seen: Json

    @classmethod
    def of(cls, seen: Json) -> Pod:
        return cls(str(seen["metadata"]["name"]), str(seen["metadata"]["uid"]), seen)


class PodLauncher:
    """Workers that are pods of one plane."""

    def __init__(
        self,
        plane: KubernetesPlane,
        cluster: Cluster,
        *,
        finish: Callable[[dict[str, object]], Json] = lambda manifest: manifest,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Args:
        finish: what a caller adds to a manifest before it goes out, such as Airflow's labels and cluster policy.
        """
        self._plane = plane
        self._cluster = cluster
        self._finish = finish
        self._now = now
        self._sleep = sleep
        # read now: a template that is not there is told before an attempt takes a number
        if plane.template:
            load_template(Path(plane.template))

    def run(self, context: Context, data: bytes, watcher: Watcher) -> Ended:
        started = self.start(context, data, watcher)
        return started if isinstance(started, Ended) else self._see_through(started, context, watcher)

    def manifest(self, context: Context, data: bytes) -> Json:
        """The pod as it goes out."""
        return self._finish(pod_of(context, data, self._plane))

    def start(self, context: Context, data: bytes, watcher: Watcher) -> Pod | Ended:
        """Creates the pod; an end already where the API server will not have it.

        A full quota is a queue: it is asked again until the plane's start timeout. So is an API server that has just started
        and does not know yet who may do what, for a moment.
        """
        manifest = self.manifest(context, data)
        begun = time.monotonic()

        def passes(error: BaseException) -> bool:
            if not isinstance(error, Refused):
                return False
            if refused(error.refusal).category is Category.QUOTA_EXCEEDED:
                return True
            return time.monotonic() < begun + _DENIED_SECONDS and self._is_starting(error.refusal)

        too_long = tenacity.stop_after_delay(self._plane.start_timeout_seconds)
        create = tenacity.Retrying(
            retry=tenacity.retry_if_exception(passes),
            wait=tenacity.wait_random_exponential(multiplier=2, max=30),
            stop=lambda state: watcher.stop() or too_long(state),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return Pod.of(create(self._cluster.create, manifest))
        except Refused as error:
            if error.refusal.code == 409 and (pod := self.find(context)):
                return pod  # the answer to an earlier request was lost
            stopped = watcher.stop()
            status = Status(refusal=error.refusal, stop_requested=stopped, seconds=time.monotonic() - begun)
            return self._ended(status, context, b"")

    def _is_starting(self, refusal: Refusal) -> bool:
        if is_of_a_start(refusal):
            return True
        # its words may be those of rights that are truly missing, so it is asked
        return refused(refusal).category is Category.CLUSTER_DENIED and refusal.code == 403 and self._cluster.is_starting()

    def attach(self, context: Context, watcher: Watcher, *, orphaned: bool) -> Ended:
        while True:
            if pod := self.find(context):
                return self._see_through(pod, context, watcher)
            age = (self._now() - context.created_at).total_seconds()
            if orphaned or age > _CREATION_SECONDS or watcher.stop():
                return self._ended(Status(gone=True, seconds=age), context, b"")
            self._sleep(1)

    def find(self, context: Context) -> Pod | None:
        """The attempt's pod. One of its name with another uid in its label is somebody else's."""
        seen = self._cluster.pod(pod_name(context))
        if seen is None or (seen["metadata"].get("labels") or {}).get(labels.ATTEMPT_UID) != context.attempt.uid:
            return None
        return Pod.of(seen)

    def print_log(self, context: Context, say: Callable[[bytes], object], *, tail: int | None) -> bool:
        """Hands over the log of an attempt's pod, to its end. False where there is no such pod."""
        pod = self.find(context)
        if pod is None:
            return False
        over = threading.Event()
        if Status(pod=pod.seen).over:
            over.set()
        watch = threading.Thread(target=self._tell_the_end, args=(pod, over), daemon=True)
        watch.start()
        LogFollower(self._cluster, pod.name, say, tail_lines=tail).follow(over)
        return True

    def _tell_the_end(self, pod: Pod, over: threading.Event) -> None:
        for line in self._cluster.watch(pod.name, str(pod.seen["metadata"]["resourceVersion"])):
            event = _change(line)
            if event.get("type") == "DELETED" or Status(pod=event.get("object")).over:
                break
        over.set()

    def _see_through(self, pod: Pod, context: Context, watcher: Watcher) -> Ended:
        watched = _Watched(self._cluster, pod, context, watcher, self._plane.start_timeout_seconds, self._now)
        try:
            status, gave_up = watched.until_over()
        except LostSight:
            raise  # it may well go on; whoever tries next attaches to it
        except BaseException:
            self._take_away(pod, grace_seconds=context.grace_seconds)
            raise
        finally:
            watched.close()
        if not self._plane.keep_pods or gave_up or not status.terminated:
            self._take_away(pod)
        log = watched.tail.bytes()
        return self._gave_up(gave_up, log, status) if gave_up else self._ended(status, context, log)

    def _take_away(self, pod: Pod, *, grace_seconds: int | None = None) -> None:
        """Deletes a pod. Never raises: a failing clean-up must not hide how the run ended, and `polarpod gc` cleans too."""
        with suppress(PolarpodError):
            self._cluster.delete(pod.name, pod.uid, grace_seconds=grace_seconds)

    def _ended(self, status: Status, context: Context, log: bytes) -> Ended:
        uid, limit = context.attempt.uid, context.resources.memory_bytes

        def judge(receipt: Receipt | None) -> Verdict:
            return diagnose(status, receipt, uid=uid, memory_limit_bytes=limit)

        return Ended(judge, _last_words(status, uid), log, status)

    def _gave_up(self, verdict: Verdict, log: bytes, status: Status) -> Ended:
        return Ended(lambda receipt: receipt.verdict if receipt else verdict, None, log, status)


class _Watched:
    """A pod under watch: two threads read, the caller's own decides and does all the talking."""

    def __init__(
        self,
        cluster: Cluster,
        pod: Pod,
        context: Context,
        watcher: Watcher,
        start_timeout_seconds: int,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._cluster = cluster
        self._pod = pod
        self._context = context
        self._watcher = watcher
        self._start_timeout = start_timeout_seconds
        self._created = context.created_at
        self._now = now
        self.tail = Tail()
        # statuses and lines of the log in the order they came; None where the watch has come to its end
        self._news: queue.SimpleQueue[Json | bytes | PolarpodError | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._over = threading.Event()
        self._stream: Stream | None = None
        self._follower: LogFollower | None = None
        self._follows: threading.Thread | None = None
        self._status = Status(pod=pod.seen)
        self._events_at = 0.0
        # time in a queue does not count as time to start
        self._queued_seconds = 0.0
        self._looked_at = time.monotonic()
        self._stopped_at: float | None = None
        # since when the API server denies what it has allowed before
        self._denied_at: float | None = None
        self._was_allowed = False

    def until_over(self) -> tuple[Status, Verdict | None]:
        """The last status, and why the wait was given up where the pod never started."""
        threading.Thread(target=self._watch, daemon=True).start()
        while not self._status.over:
            self._hear(_TICK_SECONDS)
            if self._status.started and self._follows is None:
                self._start_following()
            if self._stopped_at is None and self._watcher.stop():
                self._stop()
            if self._stopped_at and time.monotonic() > self._stopped_at + self._context.grace_seconds + _GONE_SECONDS:
                break
            if is_abandoned(self._status._replace(seconds=self._age())):
                break
            if not self._status.started and not self._stopped_at and (verdict := self._lose_patience()):
                return self._status, verdict
        if self._status.started and self._follows is None:
            self._start_following()
        self._hear_the_end()
        if not self._status.terminated and not self._status.events:
            self._status = self._status._replace(events=self._cluster.events(self._pod.uid))
        return self._status, None

    def close(self) -> None:
        self._closed.set()
        self._over.set()
        if self._stream:
            self._stream.close()
        if self._follower:
            self._follower.close()

    def _hear(self, seconds: float) -> None:
        """Takes what is new, waiting for it at most so long."""
        try:
            news = self._news.get(timeout=seconds)
        except queue.Empty:
            return
        if isinstance(news, bytes):
            self.tail.add(news)
            self._watcher.on_log(news + b"\n")
        elif isinstance(news, PolarpodError):
            raise LostSight(news)
        elif news is None:
            self._status = self._status._replace(gone=True)
        else:
            self._status = self._status._replace(pod=news)

    def _hear_the_end(self) -> None:
        """Waits a little for the rest of the log."""
        self._over.set()
        if self._follows is None:
            return
        limit = time.monotonic() + _LOG_END_SECONDS
        while (self._follows.is_alive() or not self._news.empty()) and time.monotonic() < limit:
            try:
                news = self._news.get(timeout=0.05)
            except queue.Empty:
                continue
            if isinstance(news, bytes):
                self.tail.add(news)
                self._watcher.on_log(news + b"\n")

    def _stop(self) -> None:
        self._status = self._status._replace(stop_requested=True)
        # an API server that is away is asked again at the next tick
        with suppress(PolarpodError):
            self._cluster.delete(self._pod.name, self._pod.uid, grace_seconds=self._context.grace_seconds)
            self._stopped_at = time.monotonic()

    def _lose_patience(self) -> Verdict | None:
        self._status = self._status._replace(seconds=self._age())
        if wants_events(self._status) and time.monotonic() > self._events_at + _EVENTS_SECONDS:
            self._events_at = time.monotonic()
            self._status = self._status._replace(events=self._cluster.events(self._pod.uid))
        looked_at, self._looked_at = self._looked_at, time.monotonic()
        if in_queue(self._status):
            self._queued_seconds += self._looked_at - looked_at
        return patience(self._status, start_timeout_seconds=self._start_timeout, queued_seconds=self._queued_seconds)

    def _age(self) -> float:
        return (self._now() - self._created).total_seconds()

    def _start_following(self) -> None:
        self._follower = LogFollower(self._cluster, self._pod.name, self._news.put)
        follower = self._follower
        self._follows = threading.Thread(target=follower.follow, args=(self._over,), daemon=True)
        self._follows.start()

    def _watch(self) -> None:
        """In its own thread: puts every change into the news, across broken connections and absent API servers."""
        version = str(self._pod.seen["metadata"].get("resourceVersion") or "")
        try:
            while not self._closed.is_set():
                if not self._watch_once(version):
                    return
                # a watch ends for many reasons; what is true now is one request away, and a server that ends every watch
                # at once must not be asked as fast as it can answer
                self._closed.wait(_TICK_SECONDS)
                seen = self._look()
                if seen is None or seen["metadata"]["uid"] != self._pod.uid:
                    self._news.put(None)
                    return
                self._news.put(seen)
                version = str(seen["metadata"]["resourceVersion"])
        except PolarpodError as error:
            self._news.put(error)

    def _watch_once(self, version: str) -> bool:
        """One connection's worth. False where the pod is gone, or nobody watches any more."""
        try:
            self._stream = self._cluster.watch(self._pod.name, version)
        except PolarpodError as error:
            if not self._passes(error):
                raise
            return not self._closed.is_set()
        self._was_allowed, self._denied_at = True, None
        for line in self._stream:
            event = _change(line)
            seen = event.get("object") or {}
            if event.get("type") == "ERROR":
                break
            if (seen.get("metadata") or {}).get("uid") != self._pod.uid:
                continue
            self._news.put(seen)
            if event.get("type") == "DELETED":
                self._news.put(None)
                return False
        return not self._closed.is_set()

    def _look(self) -> Json | None:
        """The pod as it is now, however long the API server is away while the run may still go on."""
        lifetime = self._context.deadline_seconds + self._context.grace_seconds
        left = lifetime - (self._now() - self._created).total_seconds() + _OUTAGE_SECONDS
        look = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: not self._closed.is_set() and self._passes(error)),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
            stop=tenacity.stop_after_delay(max(left, _OUTAGE_SECONDS)),
            reraise=True,
        )
        found: Json | None = look(self._cluster.pod, self._pod.name)
        return found

    def _passes(self, error: BaseException) -> bool:
        """Whether an error may be over in a moment: an API server that is away, busy or starting."""
        category = error.verdict.category if isinstance(error, PolarpodError) else None
        if category is Category.CLUSTER_DENIED and self._was_allowed:
            self._denied_at = self._denied_at or time.monotonic()
            return time.monotonic() < self._denied_at + _DENIED_SECONDS
        return category is Category.CLUSTER_UNREACHABLE


def _change(line: bytes) -> dict[str, Any]:
    """One line of a watch. "ERROR" is the server's own word for one that has to begin anew: 410, its version is too old."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any]) if line.strip() else {}
    except ValueError:  # something in between cut it, or said a word of its own
        return {"type": "ERROR"}


def _last_words(status: Status, uid: str) -> Message | None:
    words = (status.terminated or {}).get("message")
    return message_of(str(words).encode(), uid) if words else None
