"""The interface of a plane kind. All code outside of a kind's folder uses a plane through it.

A kind is an object that registry.py finds by its name. Its configuration is loaded while a DAG is parsed, so a kind imports
its clients inside of its methods.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar

from polarpod.launch.planes.plane import Plane

if TYPE_CHECKING:
    from polarpod.contract.context import Context
    from polarpod.launch.attempt_records import AttemptInfo
    from polarpod.launch.worker import Launcher

P_contra = TypeVar("P_contra", bound=Plane, contravariant=True)


class Finding(NamedTuple):
    """The result of one test of `polarpod doctor`.

    Attributes:
        state: `unknown` where it could not be tested; that alone makes no run fail.
        found: what was observed.
        remedy: what to do; empty where nothing is wrong.
    """

    what: str
    state: Literal["ok", "failed", "unknown"]
    found: str
    remedy: str = ""


class Leftover(NamedTuple):
    """One thing that an attempt left on its plane, and why no launcher needs it.

    Attributes:
        what: its kind, in the singular, such as "pod" or "scratch directory".
        name: its name on the plane.
        uid: the attempt's uid.
        run: job/run-key of the attempt.
        bytes: its size, where it has one.
        token: what the plane needs to delete exactly this one, such as a pod's uid.
    """

    what: str
    name: str
    uid: str
    run: str
    why: str
    bytes: int = 0
    token: str = ""


class PlaneKind(Protocol[P_contra]):
    """One kind of plane: starts, observes and diagnoses workers, and cleans up after them."""

    @property
    def config(self) -> type[Plane]:
        """The keys of planes.yaml, a `Plane` whose tag is the kind's name."""
        ...

    def launcher(self, plane: P_contra) -> Launcher:
        """The launcher, which starts workers and waits for them."""
        ...

    def render(self, plane: P_contra, context: Context, data: bytes) -> str:
        """What a launch would create, as text for `polarpod plan --manifest`.

        Args:
            data: the context's bytes.

        Raises:
            PolarpodError: a launch creates nothing that could be shown.
        """
        ...

    def follow_log(self, plane: P_contra, context: Context, say: Callable[[bytes], object], *, tail: int | None) -> bool:
        """Passes the log of a running worker to `say`, to its end. Returns False where no such worker can be observed."""
        ...

    def examine(self, plane: P_contra, *, code_version: str | None) -> Iterator[Finding]:
        """Tests what a run on this plane depends on, for `polarpod doctor`.

        Args:
            code_version: of the jobs that would be launched; None where unknown.

        Raises:
            PolarpodError: there is nothing to examine.
        """
        ...

    def live_attempts(self, plane: P_contra) -> Set[str]:
        """Uids of attempts whose worker is known to exist, started or not."""
        ...

    def leftovers(self, plane: P_contra, known: Mapping[str, AttemptInfo], *, now: dt.datetime) -> list[Leftover]:
        """What `polarpod gc` would delete on the plane.

        Args:
            known: the attempts of the plane's state store, by uid. Each is read on access, so access only those that have
                left something; an iteration over all of them reads the whole state store.
        """
        ...

    def remove(self, plane: P_contra, leftovers: Sequence[Leftover]) -> None:
        """Deletes these leftovers."""
        ...
