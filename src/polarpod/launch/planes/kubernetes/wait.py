"""The wait of one caller for a pod, from its start to its end."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from polarpod.contract.context import Context
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.log_buffer import Inbox
from polarpod.launch.planes.kubernetes.logs import LogFollower
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.planes.kubernetes.start_clock import StartClock
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.start_timeout import is_abandoned, patience, wants_events
from polarpod.launch.planes.kubernetes.watch import Changes, News
from polarpod.launch.worker import Unobservable

# the longest delay until a stop request is noticed
_TICK_SECONDS = 0.2
# events change slowly, and each list of them is a request
_EVENTS_SECONDS = 10.0
# the longest silence in the log of a container that has ended
_LOG_END_SECONDS = 5.0
# and the time limit on that log: 50 MiB, the kubelet's default maximum, through a log handler that takes 50 us a line
_LOG_REST_SECONDS = 60.0
# after its grace period a pod disappears at once, unless its node is lost
_GONE_SECONDS = 30.0


class Watched:
    """A watched pod: two threads read; the caller's own thread decides and makes every call to the listener."""

    def __init__(
        self,
        cluster: Cluster,
        pod: Pod,
        context: Context,
        listener: Listener,
        start_timeout_seconds: int,
        now: Callable[[], dt.datetime],
        *,
        owned: bool = True,
        attached: bool = False,
    ) -> None:
        """Args:
        owned: whether this launcher may end the pod: when its caller requests a stop, or when the pod does not start.
        attached: whether another process may have deleted the pod for this run already.
        """
        self._cluster = cluster
        self._pod = pod
        self._context = context
        self._listener = listener
        self._start_timeout = start_timeout_seconds
        self._created = context.created_at
        self._now = now
        self._owned = owned
        self._inbox = Inbox()
        self.tail = self._inbox.tail
        self._changes = Changes(cluster, pod, self._inbox.put_news, left=self._left)
        self._over = threading.Event()
        self._follower: LogFollower | None = None
        self._follows: threading.Thread | None = None
        self._status = Status(pod=pod.seen, found_deleted=attached and Status(pod=pod.seen).deleting)
        self._events_at = 0.0
        self._start_clock = StartClock(self._age())
        self._stopped_at: float | None = None

    def until_over(self) -> tuple[Status, Verdict | None]:
        """The last status, and the verdict of a wait that was given up because the pod did not start.

        Raises:
            Unobservable: the pod can no longer be observed, or another launcher owns it and this wait ends.
        """
        threading.Thread(target=self._changes.follow, daemon=True).start()
        while not self._status.over:
            self._hear(_TICK_SECONDS)
            if self._status.started and (message := self._listener.heartbeat()):
                self._listener.on_message(message)
            if self._status.started and self._follows is None:
                self._start_following()
            if self._stopped_at is None and self._listener.stop():
                self._stop()
            if self._stopped_at and time.monotonic() > self._stopped_at + self._context.grace_seconds + _GONE_SECONDS:
                break
            if is_abandoned(self._status._replace(seconds=self._age())):
                break
            if not self._status.started and not self._stopped_at and (verdict := self._lose_patience()):
                if not self._owned:
                    raise still_waiting(verdict, self._context, self._pod.name, self._cluster.namespace)
                return self._status, verdict
        if self._status.started and self._follows is None:
            self._start_following()
        self._hear_the_end()
        if not self._status.terminated and not self._status.events:
            self._status = self._status._replace(events=self._cluster.events(self._pod.uid))
        return self._status, None

    def close(self) -> None:
        self._over.set()
        self._inbox.hurry()
        self._changes.close()
        if self._follower:
            self._follower.close()

    def _hear(self, seconds: float) -> None:
        """Processes new lines and statuses, waiting for them at most so many seconds."""
        self._inbox.wait(seconds)
        # the lines first: for a pod that can no longer be observed, `_take` raises
        self._pass_on(self._inbox.lines())
        for news in self._inbox.news():
            self._take(news)

    def _take(self, news: News) -> None:
        if isinstance(news, PolarpodError):
            raise Unobservable(news)
        if news is None:
            self._status = self._status._replace(gone=True)
        else:
            self._status = self._status._replace(pod=news)

    def _pass_on(self, lines: list[bytes]) -> None:
        for line in lines:
            self._listener.on_log(line + b"\n")

    def _hear_the_end(self) -> None:
        """Forwards the rest of the log, within time limits; omitted lines are reported."""
        self._over.set()
        if self._follows is None:
            return
        ends, quiet = time.monotonic() + _LOG_REST_SECONDS, time.monotonic() + _LOG_END_SECONDS
        while time.monotonic() < min(ends, quiet):
            reads = self._follows.is_alive()
            if lines := self._inbox.lines():
                self._pass_on(lines)
                quiet = time.monotonic() + _LOG_END_SECONDS
            elif not reads:
                return
            else:
                self._inbox.wait(0.05)
        # the record keeps the log's end, so that is still read
        self._inbox.hurry()
        self._follows.join(_LOG_END_SECONDS)
        self._pass_on(self._inbox.lines())
        if self._inbox.left_out:
            self._pass_on([b"(polarpod: %d lines of the log are left out here: they took too long)" % self._inbox.left_out])
        if self._follows.is_alive():
            self._pass_on([b"(polarpod: the log may go on from here: its end was not read in time)"])

    def _stop(self) -> None:
        if not self._owned:
            raise detached(self._context, self._pod.name, self._cluster.namespace)
        self._status = self._status._replace(stop_requested=True)
        # an unreachable API server is retried at the next tick
        with suppress(PolarpodError):
            self._cluster.delete(self._pod.name, self._pod.uid, grace_seconds=self._context.grace_seconds)
            self._stopped_at = time.monotonic()

    def _lose_patience(self) -> Verdict | None:
        self._status = self._status._replace(seconds=self._age())
        if wants_events(self._status) and time.monotonic() > self._events_at + _EVENTS_SECONDS:
            self._events_at = time.monotonic()
            self._status = self._status._replace(events=self._cluster.events(self._pod.uid))
        queued = self._start_clock.look(self._status)
        return patience(self._status, start_timeout_seconds=self._start_timeout, queued_seconds=queued)

    def _age(self) -> float:
        return (self._now() - self._created).total_seconds()

    def _left(self) -> float:
        return self._context.deadline_seconds + self._context.grace_seconds - self._age()

    def _start_following(self) -> None:
        self._follower = LogFollower(self._cluster, self._pod.name, self._inbox.put_line)
        follower = self._follower
        self._follows = threading.Thread(target=follower.follow, args=(self._over,), daemon=True)
        self._follows.start()


def still_waiting(verdict: Verdict, context: Context, pod: str, namespace: str) -> Unobservable:
    """The error of a wait for another launcher's pod that does not start: only that launcher gives it up."""
    left = detached(context, pod, namespace).verdict
    return Unobservable(
        PolarpodError(
            verdict.category,
            verdict.summary,
            evidence=[*verdict.evidence, *left.evidence, left.summary],
            remedy=f"{verdict.remedy} {left.remedy}",
        )
    )


def detached(context: Context, pod: str, namespace: str) -> Unobservable:
    """The error of a wait that ends before another launcher's pod does: the pod continues."""
    by = ", ".join(f"{name} {value}" for name, value in sorted(context.labels.items()))
    return Unobservable(
        PolarpodError(
            Category.INTERRUPTED,
            f"no longer waiting for attempt {context.attempt.number}; it goes on",
            evidence=[f"pod {pod} in namespace {namespace}, started by another launcher{f' ({by})' if by else ''}"],
            remedy="Ask for the run again to wait for it again. To end it for everybody: "
            f"`kubectl --namespace {namespace} delete pod {pod}`.",
        )
    )
