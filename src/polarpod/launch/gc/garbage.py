"""Garbage of failed attempts in tables and datasets: staged files that no log or manifest references.

Only files of attempts whose worker has ended are considered, and only those that were never committed: a worker that died
right after its commit has no receipt, yet its files belong to the table. So the table decides, not the receipt. A verdict
proves no end: a worker behind a broken network is judged lost, and may commit an hour later.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from typing import NamedTuple, TypeVar

from polarpod.contract.context import Context, Storage
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.attempt_end import has_ended
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.gc import kept_files
from polarpod.launch.index import Due
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.outputs.output import published_in
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import normal

T = TypeVar("T")

# errors of one table or dataset, which do not concern the others
_OF_ONE_PLACE = (
    Category.INPUT_UNREADABLE,
    Category.PUBLISH_REFUSED,
    Category.REQUEST_INVALID,
    kept_files.UNSURE,
)
# a log or a manifest is held in memory, and a sweep may have little
TABLES_AT_ONCE = 8
_UID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class Garbage(NamedTuple):
    """Files of one attempt in one place; `uid` "" for files that later runs replaced."""

    uid: str
    run: str
    uri: str
    keys: list[str]
    bytes: int


class Part(NamedTuple):
    """A part of a sweep: what it would delete, and the attempts whose index entries change after that.

    Attributes:
        done: attempts that later sweeps need to visit only for their age.
        kept: attempts that are old, and still needed.
        gone: attempts of which nothing will be left.
    """

    garbage: list[Garbage]
    done: list[Due] = []
    kept: list[Due] = []
    gone: list[Due] = []


class Swept(NamedTuple):
    """The result of a sweep of one place.

    Attributes:
        kept: uids of attempts whose files are kept, since they may be published.
        waits: whether there are unreferenced files that readers may still use.
        left: the report on the files that are kept.
    """

    garbage: list[Garbage]
    kept: Set[str] = frozenset()
    waits: bool = False
    left: PolarpodError | None = None


class Past(NamedTuple):
    """Decides which attempts are over, and finds attempts by uid.

    Attributes:
        known: attempts by uid.
        alive: uids of attempts whose worker exists on the plane, started or not.
    """

    known: KnownAttempts
    now: dt.datetime
    alive: Set[str] = frozenset()

    def over(self, info: AttemptInfo) -> bool:
        return info.uid not in self.alive and has_ended(info, self.now)

    def owners(self, keys: Iterable[str]) -> list[AttemptInfo]:
        """The attempts whose uids these keys contain."""
        uids = {uid for key in keys for uid in _UID.findall(key)}
        return self.known.of(uids)


def places_of(context: Context) -> list[str]:
    """The URIs that an attempt publishes to."""
    checks = context.job.checks
    quarantine = [normal(checks.quarantine)] if checks and checks.quarantine else []
    return [normal(context.job.output.uri), *quarantine]


def or_left(look: Callable[[], T], on_left: Callable[[Verdict], None] | None) -> T | None:
    """The result of `look`; None where the place is damaged, and so left unchanged.

    Args:
        on_left: called with the reason; without it the damage is raised.
    """
    try:
        return look()
    except PolarpodError as error:
        tell(error, on_left)
        return None


def tell(error: PolarpodError, on_left: Callable[[Verdict], None] | None) -> None:
    """Reports an error of one place; raises one that concerns more than that place, and any without `on_left`."""
    # a store that is unreachable or denies access fails for all places
    if on_left is None or error.verdict.category not in _OF_ONE_PLACE:
        raise error
    on_left(error.verdict)


def in_place(uri: str, infos: list[AttemptInfo], storage: Storage, past: Past) -> Swept:
    """What a sweep of one place would delete.

    Args:
        infos: attempts that have the place, and that no sweep has completed.

    Raises:
        PolarpodError: the table or dataset is damaged, and so is left unchanged.
    """
    ended = [info for info in infos if past.over(info)]
    if not ended:
        return Swept([])
    return published_in(uri, infos[0].context).garbage(uri, ended, storage, past)


def refuse_without(
    names: kept_files.Names, ended: list[AttemptInfo], past: Past, folder: Folder, entries: list[Entry]
) -> None:
    """As `kept_files.refuse_without`, also for attempts that a sweep has completed, as far as files of theirs exist."""
    kept_files.refuse_without(names, [*ended, *past.owners(entry.key for entry in entries)], folder, entries)


def by_uid(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The files that have an attempt's uid in their path, by uid."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        for uid in set(_UID.findall(entry.key)):
            found[uid].append(entry)
    return found


def files_of(info: AttemptInfo, folder: Folder, entries: list[Entry]) -> list[Garbage]:
    """The garbage of one attempt. Folder markers are left out: they are empty, belong to no attempt, and cannot be deleted
    under the listed key, so that every sweep would find them again."""
    files = [entry for entry in entries if not folder.is_marker(entry)]
    if not files:
        return []
    return [garbage_of(info.uid, f"{info.job}/{info.run_key}", folder, files)]


def garbage_of(uid: str, run: str, folder: Folder, entries: list[Entry]) -> Garbage:
    """These files of a folder, to be deleted."""
    return Garbage(uid, run, folder.uri, [entry.key for entry in entries], sum(entry.size for entry in entries))
