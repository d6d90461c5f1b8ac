"""A worker's resources in plain numbers: cores and bytes.

Authors write Kubernetes quantities ("4Gi", "500m"); documents hold numbers, so that units are parsed only once.
"""

from __future__ import annotations

import math
import re
from typing import Annotated

import msgspec

from polarpod.contract.verdict import Category, PolarpodError

_SUFFIX = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_CORES = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)(m)?")
# more cores than any machine has; also excludes NaN and integers beyond any float
_ABSURD = 10**6

MIB = 2**20
GIB = 2**30

# A worker that has imported Polars, deltalake and dataframely uses about 150 MiB before it reads a row.
MINIMUM_MEMORY_BYTES = 256 * MIB


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that one attempt may use.

    Attributes:
        cpu: cores; Polars gets this many threads, rounded up.
        memory_bytes: the hard limit; the worker is killed above it.
        spill_bytes: disk for out-of-core operators; None means as much as the scratch directory has.
    """

    cpu: Annotated[float, msgspec.Meta(gt=0, le=1024)] = 1.0
    memory_bytes: Annotated[int, msgspec.Meta(ge=MINIMUM_MEMORY_BYTES, le=2**50)] = GIB
    spill_bytes: Annotated[int, msgspec.Meta(ge=0, le=2**50)] | None = None

    @property
    def threads(self) -> int:
        return max(1, math.ceil(self.cpu))


def parse_bytes(text: str | int) -> int:
    """ "4Gi" -> 4294967296. Raises PolarpodError where the text is not a Kubernetes memory quantity."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    if not isinstance(text, str) or not (match := _BYTES.fullmatch(text.strip())):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{text!r} is not an amount of memory",
            remedy='Write a Kubernetes quantity: "512Mi", "4Gi", or a whole number of bytes.',
        )
    return int(float(match[1]) * _SUFFIX[match[2] or ""])


def parse_cores(text: str | float) -> float:
    """ "500m" -> 0.5, 2 -> 2.0. Raises PolarpodError where the text is not a Kubernetes CPU quantity."""
    if isinstance(text, (int, float)) and not isinstance(text, bool) and abs(text) < _ABSURD:
        return float(text)
    if not isinstance(text, str) or not (match := _CORES.fullmatch(text.strip())):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{text!r} is not an amount of CPU",
            remedy='Write a Kubernetes quantity: 2, "1.5" or "500m".',
        )
    return float(match[1]) / (1000 if match[2] else 1)


def format_bytes(count: float | None) -> str:
    """A byte count for people, binary units, at most one decimal: 1610612736 -> "1.5 GiB"."""
    if count is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable: the loop returns at GiB")
