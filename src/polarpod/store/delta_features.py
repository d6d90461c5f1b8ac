"""What a Delta table asks of its readers and its writers, by the names of the protocol.

deltalake opens tables that it does not commit to, and Polars and deltalake differ in what they read; so what a table needs
is looked at here, for reading and for writing apart: a feature that only writers must know is no bar to reading.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from deltalake import DeltaTable

# deletionVectors and v2Checkpoint are deltalake's to apply; columnMapping and typeWidening may be allowed and not in use
_READ = frozenset(
    {"columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "typeWidening-preview", "v2Checkpoint",
     "vacuumProtocolCheck"}
)  # fmt: skip
# what deltalake commits to; more ends in an error after the work is done
_WRITTEN = frozenset(
    {"appendOnly", "changeDataFeed", "checkConstraints", "columnMapping", "deletionVectors", "generatedColumns",
     "invariants", "timestampNtz", "v2Checkpoint"}
)  # fmt: skip
# the last writer version of the days before features had names whose demands deltalake meets: 6 adds identity columns
_WRITER_VERSION, _FEATURES_HAVE_NAMES = 5, 7


class Traits(NamedTuple):
    """A table's protocol, properties and fields.

    Attributes:
        fields: as the schema's JSON has them.
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
    """What the table uses that polarpod does not read, by name; empty where it can be read."""
    unknown = sorted(traits.reader_features - _READ)
    widened = [name for name, field in walk(traits.fields) if "delta.typeChanges" in field.get("metadata", {})]
    return [
        *unknown,
        *_mapping(traits),
        *([f"typeWidening (of {', '.join(widened)})"] if widened else []),
        *[f"variantType (column {name})" for name, field in walk(traits.fields) if field["type"] == "variant"],
    ]


def not_written(traits: Traits, *, bare: bool, takes: bool) -> list[str]:
    """What the table uses that a commit of polarpod's would break, by name; empty where it can be written.

    Args:
        bare: whether files are committed as they are; else deltalake writes them, and knows more.
        takes: whether the commit may take rows out.
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
    """Every named field with its dotted path, those inside structs, lists and maps too."""
    for field in fields:
        path = f"{above}{field['name']}"
        yield path, field
        yield from _inside(field["type"], path)


def _inside(kind: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(kind, dict):
        yield from walk(kind.get("fields", []), f"{path}.")
        for part in ("elementType", "keyType", "valueType"):
            yield from _inside(kind.get(part), path)
