"""What has changed since the attempt whose rows stand."""

from __future__ import annotations

import msgspec

from polarpod.contract.context import Context
from polarpod.contract.receipt import Receipt
from polarpod.launch.plan import Plan
from polarpod.launch.state import State

# what a declaration may say otherwise without making other rows
_SIZE = ("resources", "deadline_seconds", "grace_seconds", "doc")


def changes_since_standing(plan: Plan, state: State) -> list[str]:
    """What differs between a plan and the attempt whose rows were published last; empty where none is known of.

    Where nothing differs and the run is not skipped, its rows are no longer in the table, or were taken back.
    """
    note = state.standing(plan.job.name, plan.run_key)
    if note is None:
        return []
    context = state.known_context(plan.job.name, plan.run_key, note.uid)
    if context is None:
        return []
    found = changes(plan, context, state.receipt(plan.job.name, plan.run_key, note.uid))
    return found or [_gone(plan)]


def _gone(plan: Plan) -> str:
    """Why a run of which nothing differs is not skipped."""
    if not plan.standing.lost:
        return "the rows that it published are not in the table any more"
    first, *others = plan.standing.lost
    more = f", and {len(others):,} more" if others else ""
    return f"files with rows that it published are gone from the store: {first}{more}"


def changes(plan: Plan, context: Context, receipt: Receipt | None) -> list[str]:
    """What differs between a plan and an attempt of the same run, one line each; empty where nothing does."""
    found = []
    old, new = context.dependencies, plan.dependencies
    if old and new:
        for name in sorted(old.keys() | new.keys()):
            if name not in new:
                found.append(f"{name} is gone")
            elif name not in old:
                found.append(f"{name} is new")
            elif old[name] != new[name]:
                versions = f": {old[name]} to {new[name]}" if name.startswith("library ") else ""
                found.append(f"{name} has changed{versions}")
    elif context.code_version != plan.code_version:
        found.append("the code has changed")
    declared, before = msgspec.to_builtins(plan.job), msgspec.to_builtins(context.job)
    found += [
        f"the declaration has changed: {key}" for key in declared if key not in _SIZE and declared[key] != before.get(key)
    ]
    for name, listing in plan.listings.items():
        used = receipt.inputs.get(name) if receipt else None
        if used and used.version != listing.version:
            found.append(f"input {name} has changed")
    return found
