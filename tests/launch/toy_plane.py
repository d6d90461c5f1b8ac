"""A third plane kind, as another package would bring it: its worker is a function that echoes a receipt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from tests.launch.loop import receipt_of

from polarpod.contract.codec import encode
from polarpod.contract.context import Context
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Verdict
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kind import Finding, Leftover
from polarpod.launch.planes.plane import Capabilities, Plane
from polarpod.launch.worker import Launcher, WorkerExit
from polarpod.store.folder import Folder


class ToyPlane(Plane, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="toy"):
    """Attributes: `greeting`: a key of its own."""

    greeting: str = "hello"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(worker="echo", outlives_launcher=False, shares_folders=True)

    def problems(self) -> list[tuple[str, str]]:
        return [*super().problems(), *([] if self.greeting else [("greeting", "it is empty")])]


class ToyLauncher:
    """Leaves a receipt for every context."""

    def __init__(self, plane: ToyPlane) -> None:
        self._plane = plane

    def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
        Folder(context.attempt_uri, context.storage).write("receipt.json", encode(receipt_of(context)))
        listener.on_log(f"{self._plane.greeting}\n".encode())
        return WorkerExit(_judge, None, b"", seen=True)

    def attach(self, context: Context, listener: Listener, *, orphaned: bool) -> WorkerExit:
        raise AssertionError("an echo is over before it could be attached to")


def _judge(receipt: Receipt | None) -> Verdict:
    assert receipt is not None
    return receipt.verdict


class ToyKind:
    """See `PlaneKind`."""

    config = ToyPlane

    def launcher(self, plane: ToyPlane) -> Launcher:
        return ToyLauncher(plane)

    def render(self, plane: ToyPlane, context: Context, data: bytes) -> str:
        return f"echo {context.job.name}\n"

    def follow_log(self, plane: ToyPlane, context: Context, say: Callable[[bytes], object], *, tail: int | None) -> bool:
        return False

    def examine(self, plane: ToyPlane, *, code_version: str | None) -> Iterator[Finding]:
        yield Finding("echo", "ok", plane.greeting)

    def live_attempts(self, plane: ToyPlane) -> Set[str]:
        return frozenset()

    def leftovers(self, plane: ToyPlane, known: Mapping[str, AttemptInfo], *, now: dt.datetime) -> list[Leftover]:
        return [Leftover("echo", f"echo of {info.number}", uid, info.job, "it still sounds") for uid, info in known.items()]

    def remove(self, plane: ToyPlane, leftovers: Sequence[Leftover]) -> None: ...


KIND = ToyKind()
