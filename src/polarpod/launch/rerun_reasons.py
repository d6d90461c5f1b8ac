"""The changes since the attempt whose rows stand."""

from __future__ import annotations

import msgspec

from polarpod.contract.context import Context
from polarpod.contract.receipt import Receipt
from polarpod.launch.attempt_records import StandingNote
from polarpod.launch.plan import Plan
from polarpod.launch.state import State

# the fields of a declaration that do not affect the rows
_SIZE = ("resources", "deadline_seconds", "grace_seconds", "doc")


def changes_since_standing(plan: Plan, state: State) -> list[str]:
    """Why a run would not be skipped, one line each: what differs from the attempt whose rows were published last, or which
    document for a skip is missing. Empty where no such attempt is known."""
    note = state.standing(plan.job.name, plan.run_key)
    if note is None:
        return [_NO_NOTE] if plan.standing.same else []
    context = state.known_context(plan.job.name, plan.run_key, note.uid)
    receipt = state.receipt(plan.job.name, plan.run_key, note.uid)
    found = changes(plan, context, receipt) if context else []
    return found or _without_changes(plan, note, receipt)


_NO_NOTE = "its rows stand, and the note that tells which attempt's they are is not there: they are adopted"
_NO_RECEIPT = "its rows stand, and the receipt to answer with is not there: they are adopted, and a new one is written"
_OTHER_CONTENT = "what it would publish is not what it published last"


def _without_changes(plan: Plan, note: StandingNote, receipt: Receipt | None) -> list[str]:
    """Why a run without a known change is made again."""
    if plan.standing.same:
        # by another attempt than the note's, or without a receipt of it
        return [_NO_RECEIPT if receipt is None or receipt.status != "succeeded" else _NO_NOTE]
    if plan.standing.number is None:
        return [f"its output has no {plan.job.output.record} any more, or one that knows nothing of the run"]
    if plan.standing.lost:
        first, *others = plan.standing.lost
        more = f", and {len(others):,} more" if others else ""
        return [f"files with rows that it published are gone from the store, or cut: {first}{more}"]
    if plan.standing.undone or plan.standing.partial or note.fingerprint == plan.fingerprint:
        return ["the rows that it published are not in the table any more"]
    return [_OTHER_CONTENT]


def changes(plan: Plan, context: Context, receipt: Receipt | None) -> list[str]:
    """The differences between a plan and an attempt of the same run, one line each; empty where there are none."""
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
