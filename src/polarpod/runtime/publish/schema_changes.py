"""Differences between the columns of a run and those of its output."""

from __future__ import annotations

from polarpod.contract.verdict import Category, PolarpodError


def schema_changes(theirs: dict[str, str], ours: dict[str, str]) -> list[str]:
    """Returns the differences between two schemas (column -> type name), one line per column."""
    changes = [f"gone: {name} ({theirs[name]})" for name in theirs if name not in ours]
    changes += [f"new: {name} ({ours[name]})" for name in ours if name not in theirs]
    changes += [
        f"{name}: {theirs[name]} there, {ours[name]} now" for name in ours if theirs.get(name, ours[name]) != ours[name]
    ]
    return changes


def schema_changed(uri: str, changes: list[str]) -> PolarpodError:
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        "the output no longer has the columns of what is published there",
        evidence=[uri, *changes],
        remedy="If the change is meant, publish to a new place and backfill it, or evolve the table first; else mend the "
        "transform.",
    )
