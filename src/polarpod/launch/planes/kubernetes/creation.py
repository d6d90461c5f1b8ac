"""One pod's way into the cluster."""

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
    """A pod that is asked for until it is there, is refused for good, or time is up.

    A full quota is a queue: it is asked again until `queue_seconds` are over. So is an API server that has just started and
    does not know yet who may do what, or that gave no answer, for a moment. A pod's name is its attempt's alone, so that
    asking again finds what was made before.
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
        find: looks for the attempt's pod; raises PolarpodError where it cannot.
        stop: whether somebody has asked to end the run.
        """
        self._cluster = cluster
        self._manifest = manifest
        self._find = find
        self._queue_seconds = queue_seconds
        self._pause = pause
        self._stop = stop
        # whether a request went out of which nobody knows what became
        self._unsure = False
        # since when the server has a moment's trouble
        self._trouble: float | None = None

    def run(self) -> Pod:
        """The pod that was made, now or by a request whose answer was lost.

        Raises:
            Refused: the API server will not have it.
            Unobservable: it may be there, and nobody says whether it is.
            PolarpodError: the API server is away.
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
            # a timeout of the caller's, in the middle of it: a pod that nobody waits for must not work on
            with suppress(Exception):
                if pod := self._find():
                    self._cluster.delete(pod.name, pod.uid)
            raise

    def _passes(self, error: BaseException) -> bool:
        self._unsure = self._unsure or _may_be_there(error)
        if not isinstance(error, Refused):
            return self._unsure and _is_away(error) and self._is_a_moment()
        if refused(error.refusal).category is Category.QUOTA_EXCEEDED:
            # it is counted before names are compared: what fills the quota may be this pod
            return not (self._unsure and self._made())
        return (_may_be_there(error) or self._is_starting(error.refusal)) and self._is_a_moment()

    def _is_a_moment(self) -> bool:
        now = time.monotonic()
        self._trouble = now if self._trouble is None else self._trouble
        return now < self._trouble + START_SECONDS

    def _is_starting(self, refusal: Refusal) -> bool:
        if is_of_a_start(refusal):
            return True
        # its words may be those of rights that are truly missing, so it is asked
        return refused(refusal).category is Category.PLANE_DENIED and refusal.code == 403 and self._cluster.is_starting()

    def _made(self) -> Pod | None:
        """The pod of a request whose answer was lost."""
        try:
            return self._find()
        except PolarpodError as error:
            raise Unobservable(error) from None


def _may_be_there(error: BaseException) -> bool:
    """Whether a pod was asked for and the answer does not say what became of that."""
    return isinstance(error, NoAnswer) or (isinstance(error, Refused) and may_have_been_done(error.refusal))


def _is_away(error: BaseException) -> bool:
    return isinstance(error, PolarpodError) and error.verdict.category is Category.PLANE_UNREACHABLE
