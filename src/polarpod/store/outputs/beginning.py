"""Whether an output may be begun in its folder: not where other writers keep files, which its log or manifest would hide.

Checked when a run is planned, before its rows are staged, and again before the commit that begins the output.
"""

from __future__ import annotations

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Output, Parquet
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Folder
from polarpod.store.outputs.output import stored

# the most foreign files that a verdict names
_NAMED = 3


def refuse_folder_of_others(output: Output, quarantine: str | None, storage: Storage) -> None:
    """Checks the output and the quarantine of a planned run.

    Raises:
        PolarpodError: `publish_refused`: the output, or the place of its bad rows, is not begun yet, and other writers have
            files there.
    """
    # bad rows are a Parquet dataset, for every output format
    for place in (output, Parquet(quarantine)) if quarantine else (output,):
        folder = Folder(place.uri, storage)
        if not stored(place).is_begun(folder):
            stored(place).begin(folder)


def refused(folder: Folder, what: str, keys: list[str], why: str) -> PolarpodError:
    more = f", and {len(keys) - _NAMED:,} more" if len(keys) > _NAMED else ""
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        f"the output's folder {what}",
        evidence=[folder.uri, f"there: {', '.join(keys[:_NAMED])}{more}"],
        remedy=f"Publish to a folder of its own, or move these files away: {why}",
    )
