"""The features that a Delta table requires of readers and of writers, by the names of the protocol.

deltalake opens tables that it cannot commit to, and Polars and deltalake support different features. So the required
features are checked here, separately for reading and for writing: a writer-only feature does not prevent reading.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from deltalake import DeltaTable

# deltalake applies deletionVectors and v2Checkpoint; columnMapping and typeWidening may be enabled without being in use
_READ = frozenset(
    {"columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "typeWidening-preview", "v2Checkpoint",
     "vacuumProtocolCheck"}
)  # fmt: skip
# the features that deltalake commits to; any other ends in an error after the rows are made
_WRITTEN = frozenset(
    {"appendOnly", "changeDataFeed", "checkConstraints", "columnMapping", "deletionVectors", "generatedColumns",
     "invariants", "timestampNtz", "v2Checkpoint"}
)  # fmt: skip
# the highest writer version without named features that deltalake supports in full: 6 adds identity columns
_WRITER_VERSION, _FEATURES_HAVE_NAMES = 5, 7


class Traits(NamedTuple):
    """A table's protocol, properties and fields.

    Attributes:
        fields: those of the schema's JSON.
    """

    writer_version: int
    reader_features: frozenset[str]
    writer_features: frozenset[str]
    properties: dict[str, str]
    fields: list[dict[str, Any]]

    @classmethod
    def of(cls, table: DeltaTable) -> Traits:
        protocol = table.protocol()
        return cls(
            writer_version=protocol.min_writer_version,
            reader_features=frozenset(protocol.reader_features or ()),
            writer_features=frozenset(protocol.writer_features or ()),
            properties={key: value or "" for key, value in table.metadata().configuration.items()},
            fields=json.loads(table.schema().to_json())["fields"],
        )

    def says(self, name: str) -> bool:
        """Whether a property is set to true."""
        return self.properties.get(name, "").lower() == "true"


def not_read(traits: Traits) -> list[str]:
    """Names of the features in use that polarpod does not read; empty where the table can be read."""
    unknown = sorted(traits.reader_features - _READ)
    widened = [name for name, field in walk(traits.fields) if "delta.typeChanges" in field.get("metadata", {})]
    return [
        *unknown,
        *_mapping(traits),
        *([f"typeWidening (of {', '.join(widened)})"] if widened else []),
        *[f"variantType (column {name})" for name, field in walk(traits.fields) if field["type"] == "variant"],
    ]


def not_written(traits: Traits, *, bare: bool, takes: bool) -> list[str]:
    """Names of the features in use that a commit by polarpod would break; empty where the table can be written.

    Args:
        bare: whether staged files are committed as they are; else deltalake writes the files, which supports more features.
        takes: whether the commit may remove rows.
    """
    version = traits.writer_version
    known = version <= _WRITER_VERSION or version == _FEATURES_HAVE_NAMES
    found = [] if known else [f"writer version {version}"]
    found += sorted(traits.writer_features - _WRITTEN)
    found += _mapping(traits)
    for name, field in walk(traits.fields):
        metadata = field.get("metadata", {})
        if "delta.generationExpression" in metadata:
            found.append(f"generatedColumns ({name} = {metadata['delta.generationExpression']})")
        found += [f"identityColumns ({name})"] if any(key.startswith("delta.identity.") for key in metadata) else []
    if bare and takes:
        found += ["changeDataFeed"] if traits.says("delta.enableChangeDataFeed") else []
        # a remove action has to name the vector of the file it removes
        found += sorted(traits.writer_features & {"deletionVectors"})
    return list(dict.fromkeys(found))


def _mapping(traits: Traits) -> list[str]:
    mode = traits.properties.get("delta.columnMapping.mode", "none")
    return [] if mode == "none" else [f"columnMapping (delta.columnMapping.mode = {mode})"]


def walk(fields: list[dict[str, Any]], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields every named field with its dotted path, including those inside structs, lists and maps."""
    for field in fields:
        path = f"{above}{field['name']}"
        yield path, field
        yield from _inside(field["type"], path)


def _inside(kind: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(kind, dict):
        yield from walk(kind.get("fields", []), f"{path}.")
        for part in ("elementType", "keyType", "valueType"):
            yield from _inside(kind.get(part), path)
