"""Publishes to a Delta table.

Where the run owns whole partitions, or appends, the files that Polars wrote are committed as they are: remove actions for
what the run replaces, add actions for what it made, and the run's two application transactions, in one log entry. Each
commit is made against the very version that was read (no blind retry inside the library): so whoever lost a race reads
again and decides anew, and two runs that replace the same empty partition cannot both succeed unseen. A predicate and a
merge go through deltalake's own writers, which read the staged files back.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from polarpod.contract.codec import decoder
from polarpod.contract.dataset import Delta, partition_columns
from polarpod.contract.receipt import CheckResult, Published
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.polars.column_statistics import INDEXED_COLUMNS
from polarpod.runtime.engines.polars.stage import StagedFile
from polarpod.runtime.engines.polars.table_rules import Demands, Rule, rules_of
from polarpod.runtime.publish import table_checks
from polarpod.runtime.publish.commit import Commit, Conflict, Facts, check_staged, refuse, settle
from polarpod.runtime.publish.delta_base import Base, commits_files, still_decided
from polarpod.runtime.publish.write_back import check_keys, rehearse, staged_rows, write_back
from polarpod.store import delta_rows
from polarpod.store.delta_entry import put_entry
from polarpod.store.delta_features import Traits
from polarpod.store.delta_log import active_files, open_output, transaction_version
from polarpod.store.delta_path import deltalake_can_name, deltalake_spells
from polarpod.store.delta_rows import METADATA
from polarpod.store.fence import (
    Decision,
    commit_id,
    content_id,
    decide,
    files_id,
    files_number,
    owner_id,
    owner_number,
    standing_in,
    transaction_id,
)
from polarpod.store.folder import Folder
from polarpod.store.storage_options import deltalake_options

if TYPE_CHECKING:
    import deltalake


def staging_prefix(commit: Commit) -> str:
    """Files that are committed as they are go straight to their partition's folder; rows that deltalake will read back go
    below a name that readers and vacuum ignore."""
    return "" if commits_files(commit.output) else f"_polarpod/staging/{commit.uid}"


def adopt(commit: Commit) -> tuple[Published, CheckResult | None] | None:
    """What the table already holds of this very content, or None where there is work to do."""
    table = open_output(commit.output.uri, commit.storage)
    return _decided(commit, table) if table is not None else None


def check_schema(commit: Commit, schema: pl.Schema) -> Demands:
    """What the table asks of the rows.

    Raises:
        PolarpodError: the table has other columns or partitions, uses what polarpod does not write, or cannot be written in
            the way that is asked for.
    """
    output, bare = commit.output, commits_files(commit.output)
    assert isinstance(output, Delta)
    table = open_output(output.uri, commit.storage)
    rules = _rules(commit, table, schema) if table is not None else []
    if bare:
        return Demands(rules)
    rehearse(output, schema, delta_schema(schema))
    # deltalake follows the table where the output names no partition columns
    partitions = table.metadata().partition_columns if table is not None else partition_columns(output)
    return Demands(rules, partitions)


def _rules(commit: Commit, table: deltalake.DeltaTable, schema: pl.Schema) -> list[Rule]:
    bare = commits_files(commit.output)
    traits = Traits.of(table)
    table_checks.check_features(commit, traits, bare=bare)
    table_checks.check_columns(commit, table, delta_schema(schema), bare=bare)
    if not bare:
        table_checks.check_paths(commit, table)
        table_checks.check_values(commit, table)
    return rules_of(traits, schema, commit.uri)


def publish(
    commit: Commit, files: list[StagedFile], schema: pl.Schema, checks: CheckResult | None
) -> tuple[Published, CheckResult | None]:
    facts = Facts.of(commit, files, checks)
    if isinstance(commit.output, Delta) and commit.output.merge:
        # before the table may be made, and once however often the commit loses its race
        check_keys(staged_rows(commit, files, schema), commit.output.merge)

    decided: Base | None = None

    def attempt() -> tuple[Published, CheckResult | None]:
        nonlocal decided
        base, decided = decided, None
        if base is not None:
            # before the table is caught up with: from there on, whoever takes long loses the next race too
            check_staged(commit, files)
            base = still_decided(commit, base)
        if base is None:
            base = Base.newest(commit)
            if base.table is not None and (standing := _decided(commit, base.table)):
                return standing
            if base.table is not None:
                # once more: it may have been altered since the rows were staged
                _check_held(commit, _rules(commit, base.table, schema))
            check_staged(commit, files)
        decided = base if base.entry else None
        version = _commit(commit, base.table, files, schema, facts)
        return facts.published(commit, version), checks

    return settle(attempt, commit)


def _check_held(commit: Commit, rules: list[Rule]) -> None:
    """Raises PolarpodError where the table has rules that the staged rows have not been held to: files that are committed as
    they are pass nobody else who would look."""
    new = [] if commit.held is None else [rule.name for rule in rules if rule.name not in commit.held]
    if new:
        raise PolarpodError(
            Category.PUBLISH_CONFLICT,
            "the Delta table has rules that it did not have when the rows were made",
            evidence=[commit.uri, *new],
            remedy="Run again: the rows are then held to these rules, too.",
        )


def _decided(commit: Commit, table: deltalake.DeltaTable) -> tuple[Published, CheckResult | None] | None:
    assert isinstance(commit.output, Delta)
    job, run_key = commit.job, commit.run_key
    standing = standing_in(table, commit.output, commit.storage, job=job, run_key=run_key, fingerprint=commit.fingerprint)
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
    # the log has been cleaned up: the run is adopted all the same, only with fewer words
    unknown = Facts(job, run_key, commit.number, "", commit.fingerprint, rows=0, bytes=0, files=0)
    return unknown.published(commit, table.version()), None


def _commit(
    commit: Commit, table: deltalake.DeltaTable | None, files: list[StagedFile], schema: pl.Schema, facts: Facts
) -> int:
    """One log entry on top of exactly the table that was read. Returns its version; raises Conflict where it lost."""
    from deltalake import CommitProperties, Transaction
    from deltalake.exceptions import CommitFailedError, DeltaError
    from deltalake.transaction import create_table_with_add_actions

    output = commit.output
    assert isinstance(output, Delta)
    number = owner_number(commit.job, commit.run_key, commit.number)
    owner = {owner_id(output.replace): number} if isinstance(output.replace, dict) else {}
    # not asked of the table afterwards: it does not follow its own commit, and a later one may be there already
    version = 0 if table is None else int(table.version()) + 1
    # rows that deltalake reads back are in files that it names itself
    named = facts.files if commits_files(output) else 0
    transactions = {
        transaction_id(commit.job, commit.run_key): commit.number,
        content_id(commit.job, commit.run_key, commit.fingerprint): commit.number,
        commit_id(commit.job, commit.run_key): version,
        files_id(commit.job, commit.run_key): files_number(commit.uid, named),
        **owner,
    }
    info = {METADATA: msgspec.json.encode(facts).decode()}
    properties = CommitProperties(
        custom_metadata=info,
        # 0: never rebased over a commit that was not looked at
        max_commit_retries=0,
        app_transactions=[Transaction(key, value) for key, value in transactions.items()],
    )
    options = deltalake_options(commit.uri, commit.storage)
    try:
        if table is None:
            direct = commits_files(output)
            create_table_with_add_actions(
                commit.uri,
                delta_schema(schema),
                _adds(files) if direct else [],
                mode="error",
                partition_by=partition_columns(output),
                storage_options=options,
                # without retries even where nothing is claimed yet: with them two creators would both be told that they won
                commit_properties=properties if direct else CommitProperties(max_commit_retries=0),
            )
            if not direct:
                raise Conflict  # the table is there now: decide again, with it
            return 0
        partitions = partition_columns(output) or table.metadata().partition_columns
        if commits_files(output):
            gone = active_files(table, output.replace) if isinstance(output.replace, dict) else []
            if all(deltalake_can_name(file["spelled"]) for file in gone):
                actions = [*_removes(gone), *_adds(files)]
                ours = delta_schema(schema)
                table.create_write_transaction(actions, "append", ours, partitions, commit_properties=properties)
            else:
                _put(commit, version, info, transactions, files, gone)
        elif facts.files or isinstance(output.replace, str):
            write_back(table, output, staged_rows(commit, files, schema).collect(), properties)
        else:
            # deltalake commits nothing for a merge of no rows, and the run would have no place in the table
            table.create_write_transaction([], "append", table.schema(), partitions, commit_properties=properties)
        return version
    except CommitFailedError as error:
        if _lost_the_race(commit, table, error):
            raise Conflict from error
        raise
    except DeltaError as error:
        if table is None and "already exists" in str(error):
            raise Conflict from error
        raise


def _lost_the_race(commit: Commit, table: deltalake.DeltaTable | None, error: Exception) -> bool:
    """Whether a commit failed because of another one: deltalake raises the same error for what it refuses for good."""
    if "Failed to commit transaction" in str(error):
        return True
    now = open_output(commit.output.uri, commit.storage)
    return now is not None and (table is None or now.version() > table.version())


def _adds(files: list[StagedFile]) -> list[Any]:
    from deltalake.transaction import AddAction

    now = _now()
    return [
        AddAction(
            path=file.path,
            size=file.bytes,
            partition_values=file.partition,
            modification_time=now,
            data_change=True,
            stats=_stats(file),
        )
        for file in files
    ]


def _removes(gone: list[dict[str, Any]]) -> list[Any]:
    from deltalake.transaction import RemoveAction

    now = _now()
    return [
        RemoveAction(file["path"], True, now, size=file["size_bytes"], partition_values=file["partition"]) for file in gone
    ]


def _put(
    commit: Commit,
    version: int,
    info: dict[str, str],
    transactions: dict[str, int],
    files: list[StagedFile],
    gone: list[dict[str, Any]],
) -> None:
    """The same commit, in a table whose files deltalake cannot name."""
    adds = [
        {"path": deltalake_spells(file.path), "size": file.bytes, "partition": file.partition, "stats": _stats(file)}
        for file in files
    ]
    if not put_entry(
        commit.uri,
        commit.storage,
        version,
        now=_now(),
        info=info,
        transactions=transactions,
        adds=adds,
        removes=gone,
    ):
        raise Conflict


def _stats(file: StagedFile) -> str:
    """What readers leave the file out by; of all columns that are in it or of none, and of no more than Delta writers index.

    Of a column without bounds among others that have them, the dataset for pyarrow of deltalake 1.6 says that it is at least
    null, and so finds no row by it.
    """
    said: dict[str, object] = {"numRecords": file.rows}
    columns, nulls, least, greatest = file.statistics
    known = all(column in least or nulls.get(column) == file.rows for column in columns)
    if known and len(columns) <= INDEXED_COLUMNS:
        said |= {"minValues": least, "maxValues": greatest, "nullCount": nulls}
    # Characters as they are: deltalake 1.6 reads the two escapes of one beyond U+FFFF as another character, and then readers
    # leave out the file that has it.
    return json.dumps(said, ensure_ascii=False)


def _now() -> int:
    """Milliseconds since 1970, as a log has them."""
    return int(time.time() * 1000)


def delta_schema(schema: pl.Schema) -> deltalake.Schema:
    """The Delta schema of a frame that `fit_delta` has seen."""
    import arro3.core
    import deltalake

    reader = arro3.core.RecordBatchReader.from_stream(pl.DataFrame(schema=schema))
    return deltalake.Schema.from_arrow(reader.schema)
