"""The envelope: what Polars is told about the room it has.

Polars would guess from the machine or from cgroup v2 files; on half of the kernels in the field that guess is the whole
node. The context knows, so the context says. Must be set before Polars is imported.
"""

from __future__ import annotations

from pathlib import Path

from polarpod.contract.resources import GIB, Resources

# Polars' variables count in 10^6 bytes.
_MB = 10**6
# What a worker holds that the out-of-core budget does not count: code, buffers of readers and writers, fragmentation.
# Measured on a TPC-H SF10 join, five rounds each: with this reserve it stays inside 1.5 and 2 GiB, where Polars by itself
# is killed every time; at 4 GiB the budget is out of the way and costs nothing.
_UNCOUNTED_BYTES = GIB
_BUDGET_SHARE = 0.8
# below this share of the limit spilling costs more than it saves
_LEAST_BUDGET_SHARE = 0.2
# Polars' own defaults, which are only ever lowered here. A join holds so many rows of both sides before it decides which
# one to build on, and in a small box that sample is most of its peak. (A tenth of it was seen to choose the wrong side.)
_JOIN_SAMPLE_ROWS = 10_000_000
_BYTES_A_SAMPLED_ROW = 512
_PREFETCH_KIB = 65_536
# Polars only counts what it spilled; the rest of the volume is for the job's own files.
_DISK_SHARE = 0.9


def envelope(resources: Resources, *, spill: Path, room_bytes: int) -> dict[str, str]:
    """The environment variables for a worker of this size.

    Args:
        spill: the folder for out-of-core operators.
        room_bytes: what is free there. A spill that meets a full disk is not an error to Polars: it goes on in memory, and
            dies of that. A budget below the room makes it an error with words.
    """
    limit = resources.memory_bytes
    budget = max(_BUDGET_SHARE * (limit - _UNCOUNTED_BYTES), _LEAST_BUDGET_SHARE * limit)
    room = int(room_bytes * _DISK_SHARE)
    settings = {
        "POLARS_MAX_THREADS": str(resources.threads),
        "POLARS_OVERRIDE_TOTAL_MEMORY_MB": str(limit // _MB),
        "POLARS_OOC_MEMORY_BUDGET_MB": str(int(budget) // _MB),
        "POLARS_OOC_SPILL_DIR": str(spill),
        "POLARS_OOC_DISK_BUDGET_MB": str(
            min(room, resources.spill_bytes if resources.spill_bytes is not None else room) // _MB
        ),
        # the APIs behind staging are flagged unstable; polarpod pins Polars exactly for that reason
        "POLARS_WARN_UNSTABLE": "0",
    }
    if (rows := limit // _BYTES_A_SAMPLED_ROW) < _JOIN_SAMPLE_ROWS:
        settings["POLARS_JOIN_SAMPLE_LIMIT"] = str(rows)
    if (prefetch := limit // 2**16) < _PREFETCH_KIB:
        settings["POLARS_ROW_GROUP_PREFETCH_KBYTES_BUDGET"] = str(prefetch)
    return settings
