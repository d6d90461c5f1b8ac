"""The observed state of a pod: the API server's objects as plain JSON, with a few accessors.

Plain JSON can be recorded on a real cluster and serve as a test's fixture byte by byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# the worker's container; a user's template may add sidecars, and their ends decide nothing
WORKER = "worker"

Json = Mapping[str, Any]


class Refusal(NamedTuple):
    """The API server's answer to a request that it rejected.

    Attributes:
        code: HTTP status.
        reason: of the Status object: "Forbidden", "Invalid", ...
        message: its message, in full.
    """

    code: int
    reason: str
    message: str


class Status(NamedTuple):
    """All that is known of an attempt's pod at one moment.

    Attributes:
        pod: as the API server last returned it; None where it was never observed.
        events: of the pod, oldest first; only requested where they matter, and empty where they may not be read.
        gone: the API server no longer has it.
        stop_requested: this launcher deleted it, because its caller requested a stop.
        refusal: why the API server rejected it.
        seconds: since it was created.
        found_deleted: it was gone, or being deleted, when this launcher first read it. An earlier launcher of the run, or
            its trigger, may have deleted it.
    """

    pod: Json | None = None
    events: Sequence[Json] = ()
    gone: bool = False
    stop_requested: bool = False
    refusal: Refusal | None = None
    seconds: float = 0.0
    found_deleted: bool = False

    @property
    def spec(self) -> Json:
        return dict((self.pod or {}).get("spec") or {})

    @property
    def phase(self) -> str:
        """ "Pending", "Running", "Succeeded", "Failed", "Unknown", or "" for no pod."""
        return str(self._status.get("phase") or "")

    @property
    def reason(self) -> str:
        """The pod's own reason: "Evicted", "DeadlineExceeded", "NodeLost", ... Never "OOMKilled", which is a container's."""
        return str(self._status.get("reason") or "")

    @property
    def message(self) -> str:
        return str(self._status.get("message") or "")

    @property
    def conditions(self) -> dict[str, Json]:
        """Type -> condition."""
        return {str(one.get("type")): one for one in self._status.get("conditions") or ()}

    @property
    def worker(self) -> Json:
        """The worker's container status; empty where there is none yet."""
        return next((one for one in self._status.get("containerStatuses") or () if one.get("name") == WORKER), {})

    @property
    def init(self) -> list[Json]:
        """The init containers' statuses, in order."""
        return list(self._status.get("initContainerStatuses") or ())

    @property
    def terminated(self) -> Json | None:
        """The worker container's end, {exitCode, reason, signal, message, ...}, or None before it has ended."""
        found: Json | None = (self.worker.get("state") or {}).get("terminated")
        return found

    @property
    def waiting(self) -> Json | None:
        """Why the worker container waits, {reason, message}, or None where it does not."""
        found: Json | None = (self.worker.get("state") or {}).get("waiting")
        return found

    @property
    def started(self) -> bool:
        """Whether the worker container has ever run."""
        return self.terminated is not None or (self.worker.get("state") or {}).get("running") is not None

    @property
    def over(self) -> bool:
        """Whether its state is final: gone, refused, in a final phase, or its worker ended (sidecars may still run)."""
        return self.gone or self.refusal is not None or self.phase in ("Succeeded", "Failed") or self.terminated is not None

    @property
    def deleting(self) -> bool:
        return bool(((self.pod or {}).get("metadata") or {}).get("deletionTimestamp"))

    @property
    def _status(self) -> Json:
        found: Json = (self.pod or {}).get("status") or {}
        return found
