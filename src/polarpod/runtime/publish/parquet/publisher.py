"""Publishes plain Parquet: one conditional put of the manifest."""

from __future__ import annotations

import datetime as dt

import msgspec

from polarpod.contract.codec import convert
from polarpod.contract.dataset import partition_columns
from polarpod.contract.receipt import CheckResult, Published
from polarpod.runtime.publish.commit import Commit, Conflict, Facts, check_staged, refuse, settle
from polarpod.runtime.publish.publisher import Columns, Demands
from polarpod.runtime.publish.schema_changes import schema_changed, schema_changes
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.runtime.publish.table_rules import TableRules
from polarpod.runtime.types.dtype import described
from polarpod.store import parquet_manifest as manifest
from polarpod.store.fence import Decision, decide
from polarpod.store.folder import Folder
from polarpod.store.outputs.parquet import begin, standing_in_dataset


def staged_partitions(commit: Commit) -> list[str]:
    return partition_columns(commit.output)


def staging_prefix(commit: Commit) -> str:
    """Returns one folder per attempt, so that `gc` knows its owner; the manifest lists the files at these paths."""
    return f"data/{commit.uid}"


def adopt(commit: Commit) -> tuple[Published, CheckResult | None] | None:
    """Returns what the dataset already holds of exactly this content, or None where the run must publish."""
    found = manifest.read(Folder(commit.uri, commit.storage))
    return _decided(commit, found)


def check_columns(commit: Commit, columns: Columns) -> Demands:
    """Returns empty demands: a manifest declares no rules for its rows.

    Raises:
        PolarpodError: other entries of the dataset have other columns or partitions, or the folder has foreign files.
    """
    folder = Folder(commit.uri, commit.storage)
    found = manifest.read(folder)
    if found is None:
        begin(folder)
    if found is None or all(entry.is_of(commit.job, commit.run_key) for entry in found.manifest.entries):
        return Demands(TableRules(commit.uri))
    ours = described(columns)
    theirs = found.manifest.schema
    changes = schema_changes(theirs, ours)
    if found.manifest.partition_by != partition_columns(commit.output):
        changes.append(f"partition_by: {found.manifest.partition_by} there, {partition_columns(commit.output)} now")
    if changes:
        raise schema_changed(commit.uri, changes)
    return Demands(TableRules(commit.uri))


def publish(
    commit: Commit, files: list[StagedFile], columns: Columns, checks: CheckResult | None
) -> tuple[Published, CheckResult | None]:
    folder = Folder(commit.uri, commit.storage)
    replace = commit.output.replace if isinstance(commit.output.replace, dict) else None
    facts = Facts.of(commit, files, checks)
    entry = manifest.Entry(
        job=commit.job,
        run_key=commit.run_key,
        number=commit.number,
        uid=commit.uid,
        fingerprint=commit.fingerprint,
        replace=replace,
        files=[
            manifest.DataFile(path=file.path, rows=file.rows, bytes=file.bytes, partition=file.partition) for file in files
        ],
        facts=msgspec.to_builtins(facts),
    )

    def attempt() -> tuple[Published, CheckResult | None]:
        found = manifest.read(folder)
        if standing := _decided(commit, found):
            return standing
        check_staged(commit, files)
        if found is None:
            begin(folder)
        new = manifest.with_entry(
            found.manifest if found else None,
            entry,
            schema=described(columns),
            partition_by=partition_columns(commit.output),
            now=dt.datetime.now(dt.UTC),
        )
        if not manifest.swap(folder, new, expected=found.tag if found else None):
            raise Conflict
        return facts.published(commit, new.version), checks

    return settle(attempt, commit)


def _decided(commit: Commit, found: manifest.Found | None) -> tuple[Published, CheckResult | None] | None:
    current = found.manifest if found else None
    folder = Folder(commit.uri, commit.storage)
    standing = standing_in_dataset(current, folder, job=commit.job, run_key=commit.run_key, fingerprint=commit.fingerprint)
    decision = decide(standing, number=commit.number, mode=commit.mode, force=commit.force)
    if decision is Decision.PUBLISH:
        return None
    if decision is not Decision.ADOPT or found is None:
        raise refuse(decision, commit, standing)
    entry = next(entry for entry in found.manifest.entries if entry.is_of(commit.job, commit.run_key))
    facts = convert(entry.facts, Facts)
    return facts.published(commit, found.manifest.version), facts.checks
