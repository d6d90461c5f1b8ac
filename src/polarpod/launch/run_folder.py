"""The documents of one run in the state store, by a single listing."""

from __future__ import annotations

from collections.abc import Set
from typing import NamedTuple

from polarpod.contract.message import HEARTBEAT
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.claims import UID, number_of
from polarpod.launch.gc.garbage import Garbage, Past, garbage_of
from polarpod.launch.state import State
from polarpod.store.folder import Entry

# of a claim: a uid, and a newline where it was fixed by hand
_SIZES = (32, 33)


class RunFolder(NamedTuple):
    """One run's documents.

    Attributes:
        claims: number -> its claim.
        documents: uid of an attempt -> its documents.
        rest: the documents that belong to no single attempt.
    """

    job: str
    run_key: str
    claims: dict[int, Entry]
    documents: dict[str, list[Entry]]
    rest: list[Entry]

    @classmethod
    def read(cls, state: State, job: str, run_key: str) -> RunFolder:
        found = cls(job, run_key, {}, {}, [])
        base = f"runs/{job}/{run_key}/"
        for entry in state.folder.list(base.rstrip("/")):
            first, slash, name = entry.key.removeprefix(base).partition("/")
            if first == "claims" and (number := number_of(name)):
                found.claims[number] = entry
            elif slash and UID.fullmatch(first):
                found.documents.setdefault(first, []).append(entry)
            else:
                found.rest.append(entry)
        return found

    @property
    def newest(self) -> int:
        """The highest number that was taken; 0 where none is."""
        return max(self.claims, default=0)

    def has_nothing_of(self, info: AttemptInfo) -> bool:
        """Whether an attempt has no document but its claim."""
        return info.uid not in self.documents

    def stale_claims(self, state: State, *, fresh: Set[int] = frozenset()) -> list[Garbage]:
        """Claims of launchers that died before they wrote a context.

        A context follows its number within milliseconds. Only numbers below the highest are considered: a deleted one is
        not taken again, since the next number follows the highest.

        Args:
            fresh: numbers whose launcher may still be about to write its context.
        """
        # each attempt has a number, so that claims are only read where there are more of them than attempts, or where the
        # size of one shows that it is damaged, to report it
        more = len(self.claims) > len(self.documents)
        found = []
        for number, entry in sorted(self.claims.items()):
            if not more and entry.size in _SIZES:
                continue
            uid = state.holder(self.job, self.run_key, number, entry.key)
            if uid not in self.documents and number not in fresh and number != self.newest:
                found.append(garbage_of(uid or "", f"{self.job}/{self.run_key}", state.folder, [entry]))
        return found

    def heartbeats_of(self, state: State, past: Past) -> list[Garbage]:
        """Heartbeats of attempts that are over: their launcher died, or their worker wrote another one after the record."""
        beats = {uid: [entry for entry in own if entry.key.endswith(f"/{HEARTBEAT}")] for uid, own in self.documents.items()}
        over = {info.uid for info in past.known.of(uid for uid, found in beats.items() if found) if past.over(info)}
        run = f"{self.job}/{self.run_key}"
        return [garbage_of(uid, run, state.folder, beats[uid]) for uid in beats if uid in over]
