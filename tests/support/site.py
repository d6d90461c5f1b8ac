"""Where a workshop's workers run, and what a test can do to them there; one implementation a kind of plane."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from polarpod.contract.context import Context
from polarpod.launch.planes.plane import Plane

if TYPE_CHECKING:
    from tests.support.workshop import Workshop


class Said(NamedTuple):
    """What a worker left that was started by hand."""

    code: int
    log: str


class Body(Protocol):
    """The processes of one worker."""

    def born(self) -> bool:
        """Whether a test need not wait any longer before it asks for more."""
        ...

    def signal(self, number: signal.Signals, victim: str) -> bool:
        """Signals "child", "supervisor" or "group", which is all of them; "pod" is deleted instead.

        False where that one was not alive any more (or not yet).
        """
        ...

    def kill_in(self, seconds: float, victim: str) -> bool:
        """Kills a victim so long after its birth. False where it has ended by then."""
        ...

    def stands_still(self) -> bool:
        """Whether the child is there and stopped."""
        ...

    def assert_gone(self) -> None:
        """Nothing of the worker lives, or will in a moment."""
        ...


class Site(Protocol):
    """A place for workers.

    Attributes:
        victims: who may be killed there; the last one is there for as long as anything of the worker is.
    """

    victims: tuple[str, ...]

    def plane(self, workshop: Workshop) -> Plane:
        """The plane of a workshop, whose workers find its jobs as they are now."""
        ...

    def leftovers(self, workshop: Workshop) -> list[str]:
        """What outlived its attempt."""
        ...

    def body(self, workshop: Workshop, uid: str) -> Body: ...

    def with_changed_context(
        self, workshop: Workshop, context: Context, data: bytes, change: Callable[[bytes], bytes], *, signed: bool
    ) -> Said:
        """Runs a worker whose context was changed on its way.

        Args:
            signed: whether it still comes with the sha256 of what it was.
        """
        ...
