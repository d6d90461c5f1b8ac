"""Resource settings of Polars: threads, memory and disk, as environment variables.

By default Polars derives them from the machine or from cgroup v2 files; on half of the kernels in use that is the whole
node. The context states the worker's real limits. The variables must be set before Polars is imported.
"""

from __future__ import annotations

from pathlib import Path

from polarpod.contract.resources import GIB, Resources

# Polars' variables count in 10^6 bytes.
_MB = 10**6
# Memory of a worker that the out-of-core budget does not count: code, buffers of readers and writers, fragmentation.
# Measured on a TPC-H SF10 join, five rounds each: with this reserve it stays within 1.5 and 2 GiB, where Polars with its
# defaults is killed every time; at 4 GiB the budget is never reached and costs nothing.
_UNCOUNTED_BYTES = GIB
_BUDGET_SHARE = 0.8
# Below this share of the limit, spilling costs more than it saves.
_LEAST_BUDGET_SHARE = 0.2
# Polars' defaults, which are only lowered. A join holds this many rows of both sides before it chooses its build side, and
# in a small worker that sample is most of its peak. (A tenth of it was measured to choose the wrong side.)
_JOIN_SAMPLE_ROWS = 10_000_000
_BYTES_A_SAMPLED_ROW = 512
_PREFETCH_KIB = 65_536
# Polars counts only its own spilled bytes; the rest of the volume is for the job's own files.
_DISK_SHARE = 0.9


def envelope(resources: Resources, *, spill: Path, room_bytes: int) -> dict[str, str]:
    """Returns the environment variables for a worker of this size.

    Args:
        spill: the folder for out-of-core operators.
        room_bytes: free bytes there. Polars does not fail when a spill hits a full disk: it continues in memory until it is
            killed. A disk budget below the free space makes it raise an error instead.
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
        # The APIs for staging are marked unstable; polarpod pins the exact Polars version for that reason.
        "POLARS_WARN_UNSTABLE": "0",
    }
    if (rows := limit // _BYTES_A_SAMPLED_ROW) < _JOIN_SAMPLE_ROWS:
        settings["POLARS_JOIN_SAMPLE_LIMIT"] = str(rows)
    if (prefetch := limit // 2**16) < _PREFETCH_KIB:
        settings["POLARS_ROW_GROUP_PREFETCH_KBYTES_BUDGET"] = str(prefetch)
    return settings
