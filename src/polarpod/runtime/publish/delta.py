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
from polarpod.contract.dataset import Delta, Output, partition_columns
from polarpod.contract.receipt import CheckResult, Published
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.publish.commit import Commit, Conflict, Facts, refuse, settle
from polarpod.runtime.publish.parquet import schema_changed, schema_changes
from polarpod.runtime.stage import StagedFile
from polarpod.store import delta_rows
from polarpod.store.delta_log import active_files, open_output
from polarpod.store.dialect import for_deltalake, for_polars
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
from polarpod.store.location import is_local, join

if TYPE_CHECKING:
    import deltalake

METADATA = "polarpod"
# Up to writer version 2 a table is plain; from 7 on it lists its features. What lies between, and every feature that is
# not named here (constraints, generated columns, mapped names, deletion vectors), a bare add action could break.
_PLAIN_WRITER_VERSION = 2
_PLAIN_FEATURES = frozenset({"timestampNtz", "appendOnly", "invariants"})


def commits_files(output: Output) -> bool:
    """Whether staged files become the table's data as they are."""
    assert isinstance(output, Delta)
    return output.append or isinstance(output.replace, dict)


def staging_prefix(commit: Commit) -> str:
    """Files that are committed as they are go straight to their partition's folder; rows that deltalake will read back go
    below a name that readers and vacuum ignore."""
    return "" if commits_files(commit.output) else f"_polarpod/staging/{commit.uid}"


def adopt(commit: Commit) -> tuple[Published, CheckResult | None] | None:
    """What the table already holds of this very content, or None where there is work to do."""
    table = open_output(commit.output.uri, commit.storage)
    return _decided(commit, table) if table is not None else None


def check_schema(commit: Commit, schema: pl.Schema) -> None:
    """Raises PolarpodError where the table has other columns or partitions, or is of a kind that needs its own writer."""
    table = open_output(commit.output.uri, commit.storage)
    if table is None:
        return
    ours = _types(delta_schema(schema))
    theirs = _types(table.schema())
    changes = schema_changes(theirs, ours)
    partitions = table.metadata().partition_columns
    wanted = partition_columns(commit.output)
    # deltalake's own writers follow the table; a file that is committed as it is must lie in the table's partitions
    if partitions != wanted and (wanted or commits_files(commit.output)):
        changes.append(f"partition_by: {partitions} there, {wanted} now")
    if changes:
        raise schema_changed(commit.uri, changes)
    protocol = table.protocol()
    features = set(protocol.writer_features or [])
    plain = protocol.min_writer_version <= _PLAIN_WRITER_VERSION or (features and features <= _PLAIN_FEATURES)
    if commits_files(commit.output) and not plain:
        raise PolarpodError(
            Category.PUBLISH_REFUSED,
            "the Delta table has features that polarpod does not write",
            evidence=[
                commit.uri,
                f"writer version {protocol.min_writer_version}, features: {', '.join(sorted(features)) or 'unlisted'}",
            ],
            remedy="Publish to a table without constraints, column mapping or deletion vectors.",
        )


def publish(
    commit: Commit, files: list[StagedFile], schema: pl.Schema, checks: CheckResult | None
) -> tuple[Published, CheckResult | None]:
    facts = Facts.of(commit, files, checks)
    if isinstance(commit.output, Delta) and commit.output.merge:
        # before the table may be made, and once however often the commit loses its race
        _check_keys(_staged(commit, files, schema), commit.output.merge)

    def attempt() -> tuple[Published, CheckResult | None]:
        table = open_output(commit.output.uri, commit.storage)
        if table is not None and (standing := _decided(commit, table)):
            return standing
        version = _commit(commit, table, files, schema, facts)
        return facts.published(commit, version), checks

    return settle(attempt, commit)


def _decided(commit: Commit, table: deltalake.DeltaTable) -> tuple[Published, CheckResult | None] | None:
    assert isinstance(commit.output, Delta)
    job, run_key = commit.job, commit.run_key
    standing = standing_in(table, commit.output, commit.storage, job=job, run_key=run_key, fingerprint=commit.fingerprint)
    decision = decide(standing, number=commit.number, mode=commit.mode, force=commit.force)
    if decision is Decision.PUBLISH:
        return None
    if decision is not Decision.ADOPT:
        raise refuse(decision, commit, standing)
    version = table.transaction_version(commit_id(job, run_key))
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
    owner = [Transaction(owner_id(output.replace), number)] if isinstance(output.replace, dict) else []
    # not asked of the table afterwards: it does not follow its own commit, and a later one may be there already
    version = 0 if table is None else int(table.version()) + 1
    # rows that deltalake reads back are in files that it names itself
    named = facts.files if commits_files(output) else 0
    properties = CommitProperties(
        custom_metadata={METADATA: msgspec.json.encode(facts).decode()},
        # 0: never rebased over a commit that was not looked at
        max_commit_retries=0,
        app_transactions=[
            Transaction(transaction_id(commit.job, commit.run_key), commit.number),
            Transaction(content_id(commit.job, commit.run_key, commit.fingerprint), commit.number),
            Transaction(commit_id(commit.job, commit.run_key), version),
            Transaction(files_id(commit.job, commit.run_key), files_number(commit.uid, named)),
            *owner,
        ],
    )
    options = None if is_local(commit.uri) else for_deltalake(commit.storage)
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
        if commits_files(output):
            removed = _removes(table, output.replace) if isinstance(output.replace, dict) else []
            table.create_write_transaction(
                [*removed, *_adds(files)],
                mode="append",
                schema=delta_schema(schema),
                partition_by=partition_columns(output) or table.metadata().partition_columns,
                commit_properties=properties,
            )
        else:
            _write_back(commit, table, files, schema, properties)
        return version
    except CommitFailedError as error:
        raise Conflict from error
    except DeltaError as error:
        if table is None and "already exists" in str(error):
            raise Conflict from error
        raise


def _adds(files: list[StagedFile]) -> list[Any]:
    from deltalake.transaction import AddAction

    now = int(time.time() * 1000)
    return [
        AddAction(
            path=file.path,
            size=file.bytes,
            partition_values=file.partition,
            modification_time=now,
            data_change=True,
            stats=json.dumps({"numRecords": file.rows}),
        )
        for file in files
    ]


def _removes(table: deltalake.DeltaTable, owned: dict[str, str]) -> list[Any]:
    from deltalake.transaction import RemoveAction

    now = int(time.time() * 1000)
    return [
        RemoveAction(action["path"], True, now, size=action["size_bytes"], partition_values=action["partition"])
        for action in active_files(table, owned)
    ]


def _write_back(
    commit: Commit, table: deltalake.DeltaTable, files: list[StagedFile], schema: pl.Schema, properties: Any
) -> None:
    """A predicate or a merge: deltalake reads the staged rows and rewrites what they touch."""
    from deltalake import write_deltalake

    output = commit.output
    assert isinstance(output, Delta)
    frame = _staged(commit, files, schema)
    if output.merge is None:
        write_deltalake(
            table,
            frame.collect(),
            mode="overwrite",
            predicate=str(output.replace),
            commit_properties=properties,
        )
        return
    on = " AND ".join(f"target.`{key}` = source.`{key}`" for key in output.merge)
    merger = table.merge(
        frame.collect(), predicate=on, source_alias="source", target_alias="target", commit_properties=properties
    )
    merger.when_matched_update_all().when_not_matched_insert_all().execute()


def _staged(commit: Commit, files: list[StagedFile], schema: pl.Schema) -> pl.LazyFrame:
    options: dict[str, Any] = {} if is_local(commit.uri) else {"storage_options": for_polars(commit.storage)}
    paths = [join(commit.uri, file.path) for file in files]
    return pl.scan_parquet(paths, glob=False, hive_partitioning=False, **options) if paths else pl.LazyFrame(schema=schema)


def _check_keys(frame: pl.LazyFrame, keys: list[str]) -> None:
    """A key that comes twice would make the merge depend on the order of rows; a null key would match nothing, ever."""
    doubled = frame.group_by(keys).len().filter(pl.col("len") > 1).select(pl.len()).collect().item()
    nulls = frame.filter(pl.any_horizontal(pl.col(keys).is_null())).select(pl.len()).collect().item()
    if doubled or nulls:
        raise PolarpodError(
            Category.CHECKS_FAILED,
            f"the output cannot be merged on {', '.join(keys)}",
            evidence=[f"{doubled:,} keys occur more than once", f"{nulls:,} rows have a null in the key"],
            remedy="Make the key unique in the transform, or merge on more columns.",
        )


def delta_schema(schema: pl.Schema) -> deltalake.Schema:
    """The Delta schema of a frame that `fit_delta` has seen."""
    import arro3.core
    import deltalake

    reader = arro3.core.RecordBatchReader.from_stream(pl.DataFrame(schema=schema))
    return deltalake.Schema.from_arrow(reader.schema)


def _types(schema: deltalake.Schema) -> dict[str, str]:
    return {field.name: _type_name(field.type) for field in schema.fields}


def _type_name(kind: Any) -> str:
    name = getattr(kind, "type", None)
    return str(name) if isinstance(name, str) and name not in ("struct", "array", "map") else str(kind)
