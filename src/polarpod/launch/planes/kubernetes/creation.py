"""The creation of one pod, with retries."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import tenacity

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.api_errors import NoAnswer, Refused
from polarpod.launch.planes.kubernetes.cluster import Cluster
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.planes.kubernetes.status import Json, Refusal
from polarpod.launch.planes.kubernetes.verdicts.refusals import START_SECONDS, is_of_a_start, may_have_been_done, refused
from polarpod.launch.worker import Unobservable

Pause = Callable[[float, Callable[[], bool]], None]


class Creation:
    """Requests a pod until it exists, is refused permanently, or the time is up.

    A full quota is a queue: the request is repeated until `queue_seconds` are over. It is also repeated for START_SECONDS on
    an API server that has just started and has not read its roles yet, or that gave no answer. A pod's name belongs to one
    attempt, so that a repeated request finds a pod that was created before.
    """

    def __init__(
        self,
        cluster: Cluster,
        manifest: Json,
        find: Callable[[], Pod | None],
        *,
        queue_seconds: float,
        pause: Pause,
        stop: Callable[[], bool],
    ) -> None:
        """Args:
        find: returns the attempt's pod, or None; raises PolarpodError where the lookup fails.
        stop: whether the run is requested to end.
        """
        self._cluster = cluster
        self._manifest = manifest
        self._find = find
        self._queue_seconds = queue_seconds
        self._pause = pause
        self._stop = stop
        # whether a request was sent whose outcome is unknown
        self._unsure = False
        # when the server's current outage began, by the monotonic clock
        self._trouble: float | None = None

    def run(self) -> Pod:
        """The created pod, by this request or by an earlier one whose answer was lost.

        Raises:
            Refused: the API server rejects it.
            Unobservable: the pod may exist, and the lookup fails.
            PolarpodError: the API server is unreachable.
        """
        too_long = tenacity.stop_after_delay(self._queue_seconds)
        create = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._passes),
            wait=tenacity.wait_random_exponential(multiplier=2, max=30),
            stop=lambda state: self._stop() or too_long(state),
            sleep=lambda seconds: self._pause(seconds, self._stop),
            reraise=True,
        )
        try:
            return Pod.of(create(self._cluster.create, self._manifest))
        except (Refused, PolarpodError) as error:
            taken = isinstance(error, Refused) and error.refusal.code == 409
            if (taken or self._unsure) and (pod := self._made()):
                return pod
            raise
        except BaseException:
            # an exception of the caller's during a request, such as a timeout: a pod without a launcher must not continue
            with suppress(Exception):
                if pod := self._find():
                    self._cluster.delete(pod.name, pod.uid)
            raise

    def _passes(self, error: BaseException) -> bool:
        self._unsure = self._unsure or _may_be_there(error)
        if not isinstance(error, Refused):
            return self._unsure and _is_away(error) and self._is_a_moment()
        if refused(error.refusal).category is Category.QUOTA_EXCEEDED:
            # quotas are checked before names: the pod that fills the quota may be this one
            return not (self._unsure and self._made())
        return (_may_be_there(error) or self._is_starting(error.refusal)) and self._is_a_moment()

    def _is_a_moment(self) -> bool:
        now = time.monotonic()
        self._trouble = now if self._trouble is None else self._trouble
        return now < self._trouble + START_SECONDS

    def _is_starting(self, refusal: Refusal) -> bool:
        if is_of_a_start(refusal):
            return True
        # the message may be that of rights that are truly missing, so /readyz decides
        return refused(refusal).category is Category.PLANE_DENIED and refusal.code == 403 and self._cluster.is_starting()

    def _made(self) -> Pod | None:
        """The pod of a request whose answer was lost, or None. Raises Unobservable where the lookup fails."""
        try:
            return self._find()
        except PolarpodError as error:
            raise Unobservable(error) from None


def _may_be_there(error: BaseException) -> bool:
    """Whether a pod was requested and the answer leaves the outcome unknown."""
    return isinstance(error, NoAnswer) or (isinstance(error, Refused) and may_have_been_done(error.refusal))


def _is_away(error: BaseException) -> bool:
    return isinstance(error, PolarpodError) and error.verdict.category is Category.PLANE_UNREACHABLE
