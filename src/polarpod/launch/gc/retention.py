"""Old attempts that are no longer needed: their documents are deleted once a plane's `retention` is over.

An attempt is needed while its rows stand, while an undo could remove them, and while a dataset contains files whose owner
only its documents state. The tables themselves decide what is needed, and are read again after another such period.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Verdict
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.gc.garbage import TABLES_AT_ONCE, Garbage, Part, Past, garbage_of, or_left, places_of
from polarpod.launch.index import Due
from polarpod.launch.outputs.output import published_in
from polarpod.launch.run_folder import RunFolder
from polarpod.launch.state import State
from polarpod.store.folder import Folder
from polarpod.store.parallel_requests import at_once


class _Old(NamedTuple):
    due: Due
    info: AttemptInfo


def expired(state: State, storage: Storage, batch: list[Due], past: Past, on_left: Callable[[Verdict], None] | None) -> Part:
    """The documents of old attempts that are no longer needed, and the old attempts that are.

    Args:
        batch: old attempts that a sweep has completed.
    """
    infos = at_once(lambda due: state.attempt(*due.begun[:4]), batch)
    named = _named(infos, storage, on_left)
    runs: dict[tuple[str, str], list[_Old]] = defaultdict(list)
    for due, info in zip(batch, infos, strict=True):
        runs[info.job, info.run_key].append(_Old(due, info))
    parts = at_once(lambda run: _of_run(state, RunFolder.read(state, *run), runs[run], named, storage, past), runs)
    return Part(
        [item for part in parts for item in part.garbage],
        kept=[due for part in parts for due in part.kept],
        gone=[due for part in parts for due in part.gone],
    )


def _of_run(
    state: State, folder: RunFolder, old: list[_Old], named: dict[str, set[str] | None], storage: Storage, past: Past
) -> Part:
    note = state.standing(folder.job, folder.run_key)
    # a damaged note may be of any attempt
    unknown = note is None and any(entry.key.endswith("/standing.json") for entry in folder.rest)
    free = {
        info.uid: info
        for _, info in old
        if not (unknown or (note and note.uid == info.uid) or info.damaged or not past.over(info))
        and not _is_named(info, named, storage)
    }
    # without the record of its undo, an attempt that was undone counts as published
    free = {uid: info for uid, info in free.items() if not _tells_of(info, folder, free)}
    newest = folder.newest
    if folder.documents.keys() - free.keys() or newest > max((info.number for info in free.values()), default=0):
        # numbers continue from the highest: it stays as long as the run
        free = {uid: info for uid, info in free.items() if info.number != newest}
    garbage = [_documents_of(state, folder, info) for info in free.values() if info.uid in folder.documents]
    if garbage and not folder.documents.keys() - free.keys():
        # the run itself is deleted: with unused numbers, and documents that belong to no single attempt
        taken = {key for item in garbage for key in item.keys}
        rest = [entry for entry in [*folder.claims.values(), *folder.rest] if entry.key not in taken]
        garbage += [garbage_of("", f"{folder.job}/{folder.run_key}", state.folder, rest)] if rest else []
    return Part(
        garbage,
        kept=[due for due, info in old if info.uid not in free and info.uid in folder.documents],
        gone=[due for due, info in old if info.uid in free or info.uid not in folder.documents],
    )


def _tells_of(undo: AttemptInfo, folder: RunFolder, free: dict[str, AttemptInfo]) -> bool:
    back = undo.record.took_back if undo.record else None
    return back in folder.documents and back not in free


def _documents_of(state: State, folder: RunFolder, info: AttemptInfo) -> Garbage:
    claim = folder.claims.get(info.number)
    entries = [*folder.documents[info.uid], *([claim] if claim else [])]
    return garbage_of(info.uid, f"{info.job}/{info.run_key}", state.folder, entries)


def _named(
    infos: list[AttemptInfo], storage: Storage, on_left: Callable[[Verdict], None] | None
) -> dict[str, set[str] | None]:
    """Place -> uids of attempts that it still references; None where it is damaged, and may reference any."""
    places = {uri: info for info in infos if info.context for uri in places_of(info.context)}

    def known_to(uri: str) -> set[str]:
        return published_in(uri, places[uri].context).within_undo(uri, storage)

    found = at_once(lambda uri: or_left(lambda: known_to(uri), on_left), places, threads=TABLES_AT_ONCE)
    return dict(zip(places, found, strict=True))


def _is_named(info: AttemptInfo, named: dict[str, set[str] | None], storage: Storage) -> bool:
    published = info.receipt.published if info.receipt else None
    if published and info.context is None:
        # its context, which states all its places, is lost; an undo needs only the receipt
        return True
    adopted = published.adopted_from if published else None
    for uri in places_of(info.context) if info.context else []:
        known = named[uri]
        if known is None or info.uid in known or adopted in known:
            return True
        # files of a Parquet dataset: a sweep of them has to know that their attempt has ended
        if Folder(uri, storage).list(f"data/{info.uid}"):
            return True
    return False
