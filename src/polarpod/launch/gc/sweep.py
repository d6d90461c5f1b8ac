"""The sweep of a state store: the attempts that it visits, and its record of them in the index.

An attempt is visited until it has ended and nothing of it is left to delete; then its entry moves from the unswept to the
swept ones, so that it costs nothing in later sweeps. Files that are published and replaced later are found through the
attempt that has replaced them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Verdict
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.gc.garbage import TABLES_AT_ONCE, Part, Past, Swept, garbage_of, in_place, or_left, places_of, tell
from polarpod.launch.gc.retention import expired
from polarpod.launch.index import Due
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.run_folder import RunFolder
from polarpod.launch.state import State
from polarpod.store.folder import Folder
from polarpod.store.parallel_requests import at_once

# a launcher writes an attempt's context within milliseconds, and within this on any busy machine
_AT_MOST = dt.timedelta(hours=1)


def sweep(
    state: State,
    storage: Storage,
    *,
    now: dt.datetime,
    keep: dt.timedelta | None = None,
    alive: Set[str] = frozenset(),
    known: KnownAttempts | None = None,
    on_left: Callable[[Verdict], None] | None = None,
) -> Iterator[Part]:
    """Yields everything a sweep would delete, part by part: each may be deleted before the next is determined.

    Args:
        keep: how long the documents of attempts that are no longer needed are kept; None is forever.
        alive: uids of attempts whose worker exists on the plane, started or not.
        on_left: called with each damaged table and dataset, which is left unchanged; without it the first one raises.
    """
    past = Past(KnownAttempts(state) if known is None else known, now, alive)
    for batch in past.known.index.unswept():
        yield _part(state, storage, batch, past, on_left)
    if keep is not None:
        for batch in state.entries.swept_since(now - keep):
            yield expired(state, storage, batch, past, on_left)
    if trials := [entry for entry in state.folder.list("doctor") if not state.folder.is_marker(entry)]:
        yield Part([garbage_of("", "doctor", state.folder, trials)])


def delete_part(part: Part, state: State, storage: Storage, *, now: dt.datetime) -> None:
    """Deletes what was found, then updates the index: after a kill in between, the next sweep finds nothing to delete."""
    keys: dict[str, list[str]] = defaultdict(list)
    for item in part.garbage:
        keys[item.uri] += item.keys
    for uri, own in keys.items():
        Folder(uri, storage).delete(own)
    at_once(lambda due: state.entries.note_swept(due, due.begun.at), part.done)
    # visited again after another such period: what is needed today may be replaced tomorrow
    at_once(lambda due: state.entries.note_swept(due, now), part.kept)
    at_once(state.entries.forget, part.gone)


def _part(state: State, storage: Storage, batch: list[Due], past: Past, on_left: Callable[[Verdict], None] | None) -> Part:
    infos = at_once(lambda due: state.attempt(*due.begun[:4]), batch)
    past.known.learn(infos)
    runs = sorted({(info.job, info.run_key) for info in infos})
    folders = dict(zip(runs, at_once(lambda run: RunFolder.read(state, *run), runs), strict=True))
    places = _places(infos, past)
    looked = at_once(lambda uri: _swept(uri, places[uri], storage, past, on_left), places, threads=TABLES_AT_ONCE)
    swept = dict(zip(places, looked, strict=True))
    garbage = [item for found in swept.values() if found for item in found.garbage]
    fresh = {(due.begun.job, due.begun.run_key, due.begun.number) for due in batch if past.now - due.begun.at < _AT_MOST}
    for folder in folders.values():
        young = {number for job, run_key, number in fresh if (job, run_key) == (folder.job, folder.run_key)}
        garbage += [*folder.stale_claims(state, fresh=young), *folder.heartbeats_of(state, past)]
    waiting = _waiting(places, swept)
    done, gone = [], []
    for due, info in zip(batch, infos, strict=True):
        folder = folders[info.job, info.run_key]
        if folder.has_nothing_of(info):
            # the newest number may belong to a launcher that is about to write its context
            gone += [] if folder.newest == info.number or past.now - due.begun.at < _AT_MOST else [due]
        elif past.over(info) and not info.damaged and info.uid not in waiting:
            done.append(due)
    return Part(garbage, done=done, gone=gone)


def _places(infos: list[AttemptInfo], past: Past) -> dict[str, list[_Visit]]:
    """The visits by place: where attempts have published, or an undo has removed what another attempt published."""
    found: dict[str, list[_Visit]] = defaultdict(list)
    back = {info.record.took_back for info in infos if info.record and info.record.took_back}
    undone = {info.uid: info for info in past.known.of(back)}
    for info in infos:
        of = undone.get(info.record.took_back) if info.record and info.record.took_back else info
        if of and of.context:
            for uri in places_of(of.context):
                found[uri].append(_Visit(info.uid, of))
    return found


class _Visit(NamedTuple):
    """The reason to visit a place.

    Attributes:
        by: uid of the attempt that waits for it to be swept.
        of: the attempt whose files may be there: the same one, or another that it has undone.
    """

    by: str
    of: AttemptInfo


def _swept(
    uri: str, visits: list[_Visit], storage: Storage, past: Past, on_left: Callable[[Verdict], None] | None
) -> Swept | None:
    """The result of a sweep of a place; None where it is damaged."""
    found = or_left(lambda: in_place(uri, [visit.of for visit in visits], storage, past), on_left)
    if found and (left := found.left):
        tell(left, on_left)
    return found


def _waiting(places: dict[str, list[_Visit]], swept: dict[str, Swept | None]) -> set[str]:
    """Uids of attempts that later sweeps have to visit again, because of their places."""
    found = set[str]()
    for uri, visits in places.items():
        result = swept[uri]
        if result is None:
            found.update(visit.by for visit in visits)
            continue
        kept = {visit.by for visit in visits if visit.of.uid in result.kept}
        # one attempt is enough to visit a place again
        found |= kept or ({visits[-1].by} if result.waits or result.kept else set())
    return found
