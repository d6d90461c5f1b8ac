"""The attempts of a state store by uid, each read on access: a sweep reads few of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.state import State
from polarpod.store.parallel_requests import at_once


class KnownAttempts(Mapping[str, AttemptInfo]):
    """Attempts by uid. An iteration reads the whole state store.

    Attributes:
        index: the lookup that finds them.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.index = state.index
        self._found: dict[str, AttemptInfo | None] = {}

    def learn(self, infos: Iterable[AttemptInfo]) -> None:
        """Replaces the cached attempts by these, which were read already: a sweep visits too many to keep all."""
        self._found = {info.uid: info for info in infos}

    def of(self, uids: Iterable[str]) -> list[AttemptInfo]:
        """The attempts that exist among these."""
        return list(filter(None, at_once(self.get, sorted(set(uids)))))

    def __getitem__(self, uid: str) -> AttemptInfo:
        if uid not in self._found:
            first = self.index.with_uid(uid, 1) if uid else []
            self._found[uid] = self._state.attempt_of(first[0]) if first and first[0].uid == uid else None
        if (found := self._found[uid]) is None:
            raise KeyError(uid)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter({begun.uid for begun in self._state.walk()})

    def __len__(self) -> int:
        return sum(1 for _ in self)
