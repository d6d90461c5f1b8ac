"""Publishes to a Delta table.

Where the run owns whole partitions, or appends, the files that Polars wrote are committed unchanged: remove actions for the
replaced files, add actions for the new ones, and the run's application transactions, in one log entry. Each commit is based
on exactly the version that was read (no blind retry inside the library): after a lost race the attempt reads again and
decides anew, and two runs that replace the same empty partition cannot both succeed undetected. A predicate and a merge use
deltalake's own writers, which read the staged files back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polarpod.contract.codec import decoder
from polarpod.contract.dataset import partition_columns
from polarpod.contract.receipt import CheckResult, Published
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.publish.commit import Commit, Facts, check_staged, refuse, settle
from polarpod.runtime.publish.delta import table_checks
from polarpod.runtime.publish.delta.base_version import Base, commits_files, delta_of, still_decided
from polarpod.runtime.publish.delta.commit_entry import commit_entry
from polarpod.runtime.publish.delta.delta_schema import delta_schema
from polarpod.runtime.publish.delta.write_back import check_keys, rehearse, staged_rows
from polarpod.runtime.publish.publisher import Columns, Demands
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.runtime.publish.table_rules import TableRules, rules_of
from polarpod.store import delta_rows
from polarpod.store.delta_features import Traits
from polarpod.store.delta_log import open_output, transaction_version
from polarpod.store.delta_rows import METADATA
from polarpod.store.delta_transactions import commit_id
from polarpod.store.fence import Decision, decide
from polarpod.store.folder import Folder
from polarpod.store.outputs.delta import begin, standing_in

if TYPE_CHECKING:
    import deltalake


def staged_partitions(commit: Commit) -> list[str]:
    """Returns the partition columns of staged files; [] where deltalake reads the rows back and partitions them itself."""
    return partition_columns(commit.output) if commits_files(commit.output) else []


def staging_prefix(commit: Commit) -> str:
    """Returns "" for files that are committed unchanged, which go to their partition's folder; for rows that deltalake reads
    back, a folder that readers and VACUUM ignore."""
    return "" if commits_files(commit.output) else f"_polarpod/staging/{commit.uid}"


def adopt(commit: Commit) -> tuple[Published, CheckResult | None] | None:
    """Returns what the table already holds of exactly this content, or None where the run must publish."""
    table = open_output(commit.output.uri, commit.storage)
    return _decided(commit, table) if table is not None else None


def check_columns(commit: Commit, columns: Columns) -> Demands:
    """Returns the table's requirements for the rows.

    Raises:
        PolarpodError: the table has other columns or partitions, uses features that polarpod does not write, or does not
            support the output's mode; or there is no table yet, and its folder has foreign files.
    """
    output, bare = delta_of(commit.output), commits_files(commit.output)
    table = open_output(output.uri, commit.storage)
    if table is None:
        begin(Folder(commit.uri, commit.storage))
    rules = _rules(commit, table, columns) if table is not None else TableRules(commit.uri)
    if bare:
        return Demands(rules)
    rehearse(output, columns)
    # deltalake uses the table's partition columns where the output names none.
    partitions = table.metadata().partition_columns if table is not None else partition_columns(output)
    return Demands(rules, partitions)


def _rules(commit: Commit, table: deltalake.DeltaTable, columns: Columns) -> TableRules:
    bare = commits_files(commit.output)
    traits = Traits.of(table)
    table_checks.check_features(commit, traits, bare=bare)
    ours = delta_schema(columns)
    table_checks.check_columns(commit, table, ours, bare=bare)
    if not bare:
        table_checks.check_paths(commit, table)
        table_checks.check_values(commit, table)
    return rules_of(traits, [field.name for field in ours.fields], commit.uri)


def publish(
    commit: Commit, files: list[StagedFile], columns: Columns, checks: CheckResult | None
) -> tuple[Published, CheckResult | None]:
    facts = Facts.of(commit, files, checks)
    if keys := delta_of(commit.output).merge:
        # Before the table may be created, and once, however often the commit loses a race.
        check_keys(staged_rows(commit, files, columns), keys)

    decided: Base | None = None

    def attempt() -> tuple[Published, CheckResult | None]:
        nonlocal decided
        base, decided = decided, None
        if base is not None:
            # Before the table is updated: from then on a slow attempt loses the next race too.
            check_staged(commit, files)
            base = still_decided(commit, base)
        if base is None:
            base = Base.newest(commit)
            if base.table is not None and (standing := _decided(commit, base.table)):
                return standing
            if base.table is not None:
                # Checked again: the table may have been altered since the rows were staged.
                _check_held(commit, _rules(commit, base.table, columns))
            else:
                begin(Folder(commit.uri, commit.storage))
            check_staged(commit, files)
        decided = base if base.entry else None
        version = commit_entry(commit, base.table, files, columns, facts)
        return facts.published(commit, version), checks

    return settle(attempt, commit)


def _check_held(commit: Commit, rules: TableRules) -> None:
    """Raises PolarpodError where the table has rules that the staged rows were not checked against: files that are committed
    unchanged pass no other check."""
    new = [] if commit.held is None else [name for name in rules.names if name not in commit.held]
    if new:
        raise PolarpodError(
            Category.PUBLISH_CONFLICT,
            "the Delta table has rules that it did not have when the rows were made",
            evidence=[commit.uri, *new],
            remedy="Run again: the rows are then held to these rules, too.",
        )


def _decided(commit: Commit, table: deltalake.DeltaTable) -> tuple[Published, CheckResult | None] | None:
    output = delta_of(commit.output)
    job, run_key = commit.job, commit.run_key
    standing = standing_in(table, output, commit.storage, job=job, run_key=run_key, fingerprint=commit.fingerprint)
    decision = decide(standing, number=commit.number, mode=commit.mode, force=commit.force)
    if decision is Decision.PUBLISH:
        return None
    if decision is not Decision.ADOPT:
        raise refuse(decision, commit, standing)
    version = transaction_version(table, commit_id(job, run_key))
    entry = delta_rows.read(Folder(commit.uri, commit.storage), version) if version is not None else None
    if entry and (text := entry.info.get(METADATA)):
        facts = decoder(Facts).decode(text)
        return facts.published(commit, entry.version), facts.checks
    # The log entry has been cleaned up: the run is adopted nevertheless, with fewer facts.
    unknown = Facts(job, run_key, commit.number, "", commit.fingerprint, rows=0, bytes=0, files=0)
    return unknown.published(commit, table.version()), None
