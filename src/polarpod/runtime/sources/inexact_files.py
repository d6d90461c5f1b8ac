"""Finds the files whose values `exact` refused: the error that Polars raises names a column, but no file."""

from __future__ import annotations

import ast
import re
from itertools import islice

import msgspec

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset
from polarpod.contract.verdict import Verdict
from polarpod.runtime.failure.inexact_values import REMEDIES
from polarpod.runtime.sources.inexact_values import MOST_FILES
from polarpod.runtime.sources.source import source_of
from polarpod.store.listing import Listing

_WORDS = re.compile(rf"""column ('.*'|".*") of input ('.*'|".*") (?:{"|".join(map(re.escape, REMEDIES))})""", re.DOTALL)
# The most files in the evidence.
_MOST_NAMED = 5


def name_inexact_files(
    verdict: Verdict, datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage
) -> Verdict | None:
    """Returns the verdict with its files as evidence; None where the verdict is not a refusal by `exact`."""
    words = _WORDS.match(verdict.summary)
    if words is None:
        return None
    column, name = (ast.literal_eval(quoted) for quoted in words.groups())
    dataset, listing = datasets.get(name), listings.get(name)
    if dataset is None or listing is None or not dataset.has_footers:
        return None
    named = source_of(dataset).inexact_files(name, column, dataset, listing, storage)
    found = list(islice(named, _MOST_NAMED))
    unknown = [f"in none of the first {MOST_FILES} of {len(listing.files):,} files"]
    return msgspec.structs.replace(verdict, evidence=found or unknown)
