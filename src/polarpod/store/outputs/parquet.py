"""What a published Parquet dataset holds of a run, read from its manifest and checked against its files."""

from __future__ import annotations

from polarpod.contract.context import Storage
from polarpod.contract.formats.parquet import Parquet
from polarpod.store import parquet_manifest as manifest
from polarpod.store.delta_log import log_file
from polarpod.store.fence import Newest, Standing
from polarpod.store.folder import Folder
from polarpod.store.outputs.beginning import refused
from polarpod.store.presence import missing
from polarpod.store.sources.files import files_of

_WHY = "beside a manifest no reader finds them."


def standing(output: Parquet, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    folder = Folder(output.uri, storage)
    found = manifest.read(folder)
    return standing_in_dataset(found.manifest if found else None, folder, job=job, run_key=run_key, fingerprint=fingerprint)


def newest_commit(output: Parquet, storage: Storage, *, job: str, run_key: str) -> Newest | None:
    found = manifest.read(Folder(output.uri, storage))
    entry = next((entry for entry in found.manifest.entries if entry.is_of(job, run_key)), None) if found else None
    return Newest(entry.number, entry.uid, not entry.facts) if entry else None


def is_begun(folder: Folder) -> bool:
    return manifest.read(folder) is not None


def begin(folder: Folder) -> None:
    if log := log_file(folder):
        raise refused(folder, "is a Delta table", [log], _WHY)
    if foreign := files_of(folder):
        raise refused(folder, "has Parquet files that polarpod has not written", foreign, _WHY)


def standing_of(found: manifest.Manifest | None, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What a Parquet dataset's manifest holds of a run key."""
    for entry in found.entries if found else []:
        if entry.is_of(job, run_key):
            return Standing(entry.number, entry.fingerprint == fingerprint, entry.fingerprint == "")
    return Standing(None, False)


def standing_in_dataset(
    found: manifest.Manifest | None, folder: Folder, *, job: str, run_key: str, fingerprint: str
) -> Standing:
    """As `standing_of`, and where the content is the same, whether the store still has the run's files."""
    held = standing_of(found, job=job, run_key=run_key, fingerprint=fingerprint)
    if not held.same or found is None:
        return held
    files = {file.path: file.bytes for entry in found.entries if entry.is_of(job, run_key) for file in entry.files}
    lost = missing(folder, files)
    # the next attempt's entry replaces this one as a whole, so even an append can be repeated
    return held._replace(same=False, undone=True, lost=tuple(lost)) if lost else held
